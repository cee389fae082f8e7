-- queue_review: put a difference that a reconciliation found into the review queue.
--
-- Inputs   the round (it need not be known), its currency, the reason, and what about it, which stands as the reference.
-- Locks    the row it inserts.
-- Outcome  player_unknown, replayed (it was there before, and may have been decided), applied.
-- Races    as open_review.
CREATE OR REPLACE FUNCTION queue_review(
    p_user_id text, p_currency text, p_round_id text, p_reason text, p_reference text
) RETURNS receipt LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_known boolean;
BEGIN
    IF NOT EXISTS (SELECT FROM players p WHERE p.user_id = p_user_id) THEN
        RETURN ROW('player_unknown', NULL, NULL, NULL)::receipt;
    END IF;
    SELECT true INTO v_known FROM reviews v
    WHERE v.user_id = p_user_id AND v.round_id = p_round_id AND v.reason = p_reason AND v.reference = p_reference;
    PERFORM open_review(p_user_id, p_currency, p_round_id, p_reason, p_reference);
    RETURN ROW(CASE WHEN v_known THEN 'replayed' ELSE 'applied' END, NULL, p_currency, NULL)::receipt;
END
$$;
