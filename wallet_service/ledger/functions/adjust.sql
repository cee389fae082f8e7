-- adjust: a person adds money to a wallet (credit) or takes it (debit), once per reference, and says why.
--
-- Inputs   p_call is credit or debit; p_id names the new transaction and the action; p_reference is the form's own, so that
--          a form sent twice adjusts once, and not the other way either.
-- Locks    the player's wallets, as transfer.
-- Outcome  as transfer. Only what was applied is an action.
-- Races    as transfer; the wallets' lock is held until the action is written.
CREATE OR REPLACE FUNCTION adjust(
    p_user_id text, p_id uuid, p_call text, p_currency text, p_reference text, p_amount numeric, p_by_whom text,
    p_why text, p_sent json
) RETURNS receipt LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    the_wallet wallets%ROWTYPE := lock_wallet(p_user_id, p_currency);
    v_receipt receipt;
    v_before numeric := the_wallet.balance;
BEGIN
    IF the_wallet.user_id IS NOT NULL AND EXISTS (
        SELECT FROM transactions t
        WHERE t.user_id = p_user_id AND t.reference = p_reference AND t.call IN ('credit', 'debit') AND t.call <> p_call
    ) THEN
        RETURN refuse(
            p_user_id, p_call, p_reference, 'reference_reused', p_currency, v_before, NULL, p_amount, p_sent
        );
    END IF;
    v_receipt := transfer(p_user_id, p_id, p_call, p_currency, p_reference, p_amount, p_sent);
    IF v_receipt.outcome = 'applied' THEN
        INSERT INTO actions (user_id, id, kind, reference, transaction_id, by_whom, why, at, before, after)
        VALUES (
            p_user_id, p_id, p_call, p_reference, p_id, p_by_whom, p_why, clock_timestamp(),
            json_build_object('balance', v_before::text, 'currency', p_currency),
            json_build_object('balance', v_receipt.balance::text, 'currency', p_currency)
        );
    END IF;
    RETURN v_receipt;
END
$$;
