-- answer_cancellation: record what Lucky Monaco answered to an attempt (contract, section 2).
--
-- Inputs   p_attempt_id names the attempt; p_answer is accepted, refused or unknown, with the code and the message; once
--          accepted, the Refund is awaited for p_patience seconds.
-- Locks    1. the player's wallets, 2. the cancellation.
-- Outcome  applied. An attempt that is not there is a fault of the caller's.
-- Races    the Refund may come before the answer: what is refunded stays so. The answer to an earlier attempt, come late,
--          is kept with that attempt and does not speak for the later one.
CREATE OR REPLACE FUNCTION answer_cancellation(
    p_user_id text, p_attempt_id uuid, p_answer text, p_code text, p_message text, p_patience integer
) RETURNS receipt LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_now timestamptz;
    the_attempt cancellation_attempts%ROWTYPE;
BEGIN
    PERFORM lock_wallet(p_user_id, NULL);
    v_now := clock_timestamp();
    UPDATE cancellation_attempts AS a SET answer = p_answer, code = p_code, message = p_message, answered_at = v_now
    WHERE a.user_id = p_user_id AND a.id = p_attempt_id
    RETURNING a.* INTO STRICT the_attempt;
    UPDATE cancellations SET
        state = p_answer,
        due_at = CASE WHEN p_answer = 'accepted' THEN v_now + make_interval(secs => p_patience) END
    WHERE user_id = p_user_id AND id = the_attempt.cancellation_id
      AND state <> 'refunded' AND asked_at = the_attempt.asked_at;
    RETURN ROW('applied', p_attempt_id, NULL, NULL)::receipt;
END
$$;
