-- session_expired: hear that a player's session is over. The wallet keeps no sessions (rule 8), so nothing changes.
--
-- Inputs   the player.
-- Locks    none.
-- Outcome  player_unknown, applied.
CREATE OR REPLACE FUNCTION session_expired(p_user_id text, p_sent json) RETURNS receipt LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF EXISTS (SELECT FROM players WHERE user_id = p_user_id) THEN
        RETURN ROW('applied', NULL, NULL, NULL)::receipt;
    END IF;
    RETURN ROW('player_unknown', NULL, NULL, NULL)::receipt;
END
$$;
