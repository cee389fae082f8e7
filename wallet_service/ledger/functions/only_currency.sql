-- only_currency: the currency of the player's only wallet; NULL where the player has none or several.
--
-- For calls that only look; those that move money find the wallet under its lock (lock_wallet).
CREATE OR REPLACE FUNCTION only_currency(p_user_id text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT min(currency) FROM wallets WHERE user_id = p_user_id HAVING count(*) = 1
$$;
