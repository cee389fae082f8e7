-- check_wallet: may this player play? (Contract, section 4: Check.)
--
-- Inputs   the player and the currency; NULL means the player's only wallet.
-- Locks    none.
-- Outcome  player_unknown, wallet_unknown, player_frozen, applied.
-- Races    the answer, balance and all, is that of one moment during the call.
CREATE OR REPLACE FUNCTION check_wallet(
    p_user_id text, p_currency text, p_sent json
) RETURNS receipt LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_currency text := coalesce(p_currency, only_currency(p_user_id));
    v_balance numeric;
    v_state text;
BEGIN
    SELECT w.balance, p.state INTO v_balance, v_state FROM wallets w JOIN players p ON p.user_id = w.user_id
    WHERE w.user_id = p_user_id AND p.user_id = p_user_id AND w.currency = v_currency;
    IF NOT FOUND THEN
        RETURN no_wallet(p_user_id, 'check', '', p_currency, NULL, NULL, p_sent);
    END IF;
    IF v_state = 'frozen' THEN
        RETURN refuse(p_user_id, 'check', '', 'player_frozen', v_currency, v_balance, NULL, NULL, p_sent);
    END IF;
    RETURN ROW('applied', NULL, v_currency, v_balance)::receipt;
END
$$;
