-- open_wallet: open a player's wallet in a currency, and the player with the first one.
--
-- Inputs   the player, the currency, the opening balance in units of the currency.
-- Locks    the rows it inserts.
-- Outcome  applied; replayed where the wallet was opened with that balance before; else wallet_exists. Both tell the
--          balance as it stands; an existing wallet is never touched.
-- Races    two openings of one wallet: the primary key lets one insert, the other finds it.
CREATE OR REPLACE FUNCTION open_wallet(
    p_user_id text, p_currency text, p_opening_balance numeric
) RETURNS receipt LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_balance numeric;
    v_opening_balance numeric;
BEGIN
    INSERT INTO players (user_id) VALUES (p_user_id) ON CONFLICT DO NOTHING;
    INSERT INTO wallets (user_id, currency, opening_balance, balance)
    VALUES (p_user_id, p_currency, p_opening_balance, p_opening_balance)
    ON CONFLICT DO NOTHING;
    IF FOUND THEN
        RETURN ROW('applied', NULL, p_currency, p_opening_balance)::receipt;
    END IF;
    SELECT w.balance, w.opening_balance INTO v_balance, v_opening_balance
    FROM wallets w WHERE w.user_id = p_user_id AND w.currency = p_currency
    FOR KEY SHARE; -- writes: what is acknowledged again waits for a standby, too (see refund)
    RETURN ROW(
        CASE v_opening_balance WHEN p_opening_balance THEN 'replayed' ELSE 'wallet_exists' END,
        NULL, p_currency, v_balance
    )::receipt;
END
$$;
