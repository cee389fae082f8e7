-- lock_wallet: lock the player's wallets, and return the one that a call means; NULL where there is none.
--
-- Inputs   the player and the currency; NULL means the player's only wallet.
-- Locks    every wallet of the player, by currency, FOR NO KEY UPDATE (a new round's foreign key takes KEY SHARE on its
--          wallet, which FOR UPDATE would not let pass). All of them, because a reference or a round may be named in
--          two currencies at once, and only one of the two calls may have it.
-- Outcome  the wallet as it is once the lock is held.
-- Races    calls of one player queue here, in one order, so nothing below this lock can deadlock or be overtaken.
CREATE OR REPLACE FUNCTION lock_wallet(p_user_id text, p_currency text) RETURNS wallets LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    one wallets%ROWTYPE;
    chosen wallets%ROWTYPE;
    v_number integer := 0;
BEGIN
    FOR one IN
        SELECT * FROM wallets w WHERE w.user_id = p_user_id ORDER BY w.currency FOR NO KEY UPDATE
    LOOP
        v_number := v_number + 1;
        IF one.currency = p_currency OR p_currency IS NULL THEN
            chosen := one;
        END IF;
    END LOOP;
    IF p_currency IS NULL AND v_number <> 1 THEN
        RETURN NULL;
    END IF;
    RETURN chosen;
END
$$;
