-- set_player_state: freeze a player, or lift that (rule 8). Bet and Check are refused while it lasts, and nothing else.
--
-- Inputs   p_state is frozen or active; p_id names the action; who and why are kept with it for ever.
-- Locks    1. the player's wallets, 2. the player.
-- Outcome  player_unknown, replayed (it was so already; nothing is logged), applied.
-- Races    a bet reads the state under its wallet's lock, where a freeze waits for it: once the freeze is told to be
--          applied, no bet is on its way that does not know of it.
CREATE OR REPLACE FUNCTION set_player_state(
    p_user_id text, p_id uuid, p_state text, p_by_whom text, p_why text
) RETURNS receipt LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_state text;
BEGIN
    PERFORM lock_wallet(p_user_id, NULL);
    SELECT p.state INTO v_state FROM players p WHERE p.user_id = p_user_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN ROW('player_unknown', NULL, NULL, NULL)::receipt;
    ELSIF v_state = p_state THEN
        RETURN ROW('replayed', NULL, NULL, NULL)::receipt;
    END IF;
    UPDATE players SET state = p_state WHERE user_id = p_user_id;
    INSERT INTO actions (user_id, id, kind, by_whom, why, at, before, after)
    VALUES (
        p_user_id, p_id, CASE p_state WHEN 'frozen' THEN 'freeze' ELSE 'unfreeze' END, p_by_whom, p_why,
        clock_timestamp(), json_build_object('state', v_state), json_build_object('state', p_state)
    );
    RETURN ROW('applied', NULL, NULL, NULL)::receipt;
END
$$;
