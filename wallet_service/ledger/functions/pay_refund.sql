-- pay_refund: pay a refund that was not paid yet, void its round, and close what waited for that (rules 1, 2, 3, 4).
--
-- Inputs   as refund, with the wallet that the caller has locked, and the round found; NULL where no round is known for
--          the reference.
-- Locks    the round, its reviews, its cancellation; the caller holds the player's wallets.
-- Outcome  round_settled, reversal_not_covered, applied. Nothing is remembered of a refusal: that is the caller's part.
-- Races    none: the caller holds the wallets' lock.
CREATE OR REPLACE FUNCTION pay_refund(
    p_user_id text, p_id uuid, p_reversal_id uuid, p_currency text, p_balance numeric, p_round_id text, p_game_id text,
    p_reference text, p_amount numeric, p_reverse boolean, p_sent json
) RETURNS receipt LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_amount numeric;
    v_balance numeric;
    v_now timestamptz := clock_timestamp();
    the_round rounds%ROWTYPE;
BEGIN
    SELECT * INTO the_round FROM rounds r
    WHERE r.user_id = p_user_id AND r.round_id = p_round_id FOR NO KEY UPDATE;
    v_amount := coalesce(the_round.staked - the_round.cancelled, 0);
    IF the_round.state IN ('settled', 'ended') AND NOT p_reverse THEN
        RETURN ROW('round_settled', NULL, p_currency, p_balance)::receipt;
    ELSIF p_balance + v_amount < the_round.won THEN
        RETURN ROW('reversal_not_covered', NULL, p_currency, p_balance)::receipt;
    END IF;

    IF the_round.user_id IS NOT NULL THEN
        UPDATE rounds SET state = 'refunded', refunded = v_amount, reversed = won, refund_id = p_id
        WHERE user_id = p_user_id AND round_id = p_round_id;
    ELSIF p_round_id IS NOT NULL THEN
        INSERT INTO rounds (user_id, round_id, currency, game_id, state, refund_id)
        VALUES (p_user_id, p_round_id, p_currency, p_game_id, 'refunded', p_id);
    END IF;
    UPDATE reviews SET closed_at = v_now, resolution = 'refunded'
    WHERE user_id = p_user_id AND round_id = p_round_id AND closed_at IS NULL;
    UPDATE cancellation_rounds SET refund_id = p_id
    WHERE user_id = p_user_id AND round_id = p_round_id AND refund_id IS NULL;
    IF FOUND THEN
        -- That of a game closes with the last of its rounds; one that was settled meanwhile is not waited for.
        UPDATE cancellations AS c SET state = 'refunded', due_at = NULL, refunded_at = v_now, refund_id = p_id
        WHERE c.user_id = p_user_id AND c.state <> 'refunded'
          AND c.id IN (
              SELECT m.cancellation_id FROM cancellation_rounds m
              WHERE m.user_id = p_user_id AND m.round_id = p_round_id AND m.refund_id = p_id)
          AND NOT EXISTS (
              SELECT FROM cancellation_rounds m JOIN rounds r ON r.user_id = m.user_id AND r.round_id = m.round_id
              WHERE m.user_id = p_user_id AND m.cancellation_id = c.id AND m.refund_id IS NULL
                AND r.user_id = p_user_id AND r.state = 'open' AND r.bets > r.bets_cancelled);
    END IF;
    v_balance := post(
        p_user_id, p_id, 'refund', p_currency, p_round_id, p_reference, NULL, v_amount, p_amount, p_sent
    );
    IF the_round.won > 0 THEN
        v_balance := post(
            p_user_id, p_reversal_id, 'reversal', p_currency, p_round_id, p_reference, NULL, -the_round.won, NULL,
            p_sent
        );
    END IF;
    RETURN ROW('applied', p_id, p_currency, v_balance)::receipt;
END
$$;
