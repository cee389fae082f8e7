-- open_wallet_by_hand: a person opens a wallet, as open_wallet; money that it opens with is an action of theirs.
--
-- Inputs   as open_wallet; p_id names the action; who and why are kept with it for ever.
-- Locks    as open_wallet.
-- Outcome  as open_wallet. Only what was applied is an action, and only where there is money in it.
-- Races    as open_wallet: of two openings one is applied, and one is an action.
CREATE OR REPLACE FUNCTION open_wallet_by_hand(
    p_user_id text, p_id uuid, p_currency text, p_opening_balance numeric, p_by_whom text, p_why text
) RETURNS receipt LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_receipt receipt := open_wallet(p_user_id, p_currency, p_opening_balance);
BEGIN
    IF v_receipt.outcome = 'applied' AND p_opening_balance > 0 THEN
        INSERT INTO actions (user_id, id, kind, by_whom, why, at, before, after)
        VALUES (
            p_user_id, p_id, 'open', p_by_whom, p_why, clock_timestamp(),
            json_build_object('balance', NULL, 'currency', p_currency),
            json_build_object('balance', v_receipt.balance::text, 'currency', p_currency)
        );
    END IF;
    RETURN v_receipt;
END
$$;
