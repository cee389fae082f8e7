-- transfer: money comes in from outside the games (deposit, credit) or goes out (withdrawal, debit), once per reference.
--
-- Inputs   p_call is one of the four; p_id names the new transaction.
-- Locks    the player's wallets. Everything that decides is read under it.
-- Outcome  player_unknown, wallet_unknown, then replayed or reference_reused, insufficient_balance, applied.
-- Races    as bet: the second of two equal transfers finds the first, and no withdrawal goes below zero.
CREATE OR REPLACE FUNCTION transfer(
    p_user_id text, p_id uuid, p_call text, p_currency text, p_reference text, p_amount numeric, p_sent json
) RETURNS receipt LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    the_wallet wallets%ROWTYPE := lock_wallet(p_user_id, p_currency);
    v_amount numeric := CASE WHEN p_call IN ('withdrawal', 'debit') THEN -p_amount ELSE p_amount END;
    v_refusal text;
    v_balance numeric := the_wallet.balance;
    first_transfer transactions%ROWTYPE;
BEGIN
    IF the_wallet.user_id IS NULL THEN
        RETURN no_wallet(p_user_id, p_call, p_reference, p_currency, NULL, p_amount, p_sent);
    END IF;
    SELECT * INTO first_transfer FROM transactions t
    WHERE t.user_id = p_user_id AND t.call = p_call AND t.reference = p_reference;
    IF FOUND THEN
        IF (first_transfer.currency, first_transfer.stated) = (p_currency, p_amount) THEN
            RETURN ROW('replayed', first_transfer.id, p_currency, v_balance)::receipt;
        END IF;
        v_refusal := 'reference_reused';
    ELSIF v_balance + v_amount < 0 THEN
        v_refusal := 'insufficient_balance';
    END IF;
    IF v_refusal IS NOT NULL THEN
        RETURN refuse(
            p_user_id, p_call, p_reference, v_refusal, p_currency, v_balance, NULL, p_amount, p_sent
        );
    END IF;
    v_balance := post(
        p_user_id, p_id, p_call, p_currency, NULL, p_reference, NULL, v_amount, p_amount, p_sent
    );
    RETURN ROW('applied', p_id, p_currency, v_balance)::receipt;
END
$$;
