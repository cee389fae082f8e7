-- queue_review: put a difference that a reconciliation found into the review queue.
--
-- Inputs   the round (it need not be known), its currency, the reason, and what about it, which stands as the reference.
-- Locks    the row it inserts.
-- Outcome  player_unknown, replayed (it was there before, and may have been decided), applied.
-- Races    as open_review: of two equal ones, the one that inserts is applied.
CREATE OR REPLACE FUNCTION queue_review(
    p_user_id text, p_currency text, p_round_id text, p_reason text, p_reference text
) RETURNS receipt LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM players p WHERE p.user_id = p_user_id) THEN
        RETURN ROW('player_unknown', NULL, NULL, NULL)::receipt;
    END IF;
    INSERT INTO reviews (user_id, round_id, reason, reference, currency, opened_at)
    VALUES (p_user_id, p_round_id, p_reason, p_reference, p_currency, clock_timestamp())
    ON CONFLICT DO NOTHING;
    RETURN ROW(CASE WHEN FOUND THEN 'applied' ELSE 'replayed' END, NULL, p_currency, NULL)::receipt;
END
$$;
