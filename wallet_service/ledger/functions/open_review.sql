-- open_review: put a round into the review queue, once per cause.
--
-- Inputs   the round (it need not be known), its currency, the reason, and the reference of the cancel or result that is
--          the cause; empty where the round itself is.
-- Locks    the row it inserts.
-- Races    the same cause twice: the primary key keeps the first. A cause that was decided stays decided.
CREATE OR REPLACE FUNCTION open_review(
    p_user_id text, p_currency text, p_round_id text, p_reason text, p_reference text
) RETURNS void LANGUAGE sql VOLATILE AS $$
    INSERT INTO reviews (user_id, round_id, reason, reference, currency, opened_at)
    VALUES (p_user_id, p_round_id, p_reason, p_reference, p_currency, clock_timestamp())
    ON CONFLICT DO NOTHING
$$;
