-- only_currency: the currency of the player's only wallet; NULL where the player has none or several.
--
-- V4 calls name no currency (contract, section 4). Wallets are never removed, so the worst a wallet opened at the same
-- moment can do is that this call comes first.
CREATE OR REPLACE FUNCTION only_currency(p_user_id text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT min(currency) FROM wallets WHERE user_id = p_user_id HAVING count(*) = 1
$$;
