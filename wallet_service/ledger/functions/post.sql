-- post: enter one movement into the wallet and the log.
--
-- Inputs   a wallet that the caller has locked; the signed amount; the facts of the transaction.
-- Locks    none of its own.
-- Outcome  the wallet's balance after the movement.
-- Races    none: the caller holds the wallet's lock, so the count (seq) has no gap and no twin.
CREATE OR REPLACE FUNCTION post(
    p_user_id text, p_id uuid, p_call text, p_currency text, p_round_id text, p_reference text, p_bonus_code text,
    p_amount numeric, p_stated numeric, p_sent json
) RETURNS numeric LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_balance numeric;
    v_seq bigint;
BEGIN
    UPDATE wallets AS w SET balance = w.balance + p_amount, seq = w.seq + 1
    WHERE w.user_id = p_user_id AND w.currency = p_currency
    RETURNING w.balance, w.seq INTO v_balance, v_seq;
    INSERT INTO transactions (
        user_id, id, seq, call, currency, round_id, reference, bonus_code, amount, stated, balance, sent, at
    ) VALUES (
        p_user_id, p_id, v_seq, p_call, p_currency, p_round_id, p_reference, p_bonus_code, p_amount, p_stated,
        v_balance, p_sent, clock_timestamp()
    );
    RETURN v_balance;
END
$$;
