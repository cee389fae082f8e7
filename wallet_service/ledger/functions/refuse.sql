-- refuse: answer a known player's call with a refusal, and remember it (rule 15).
--
-- Inputs   what the call named, as far as it is known, and the outcome to give.
-- Locks    its own row of refusals. Callers hold the wallet's lock, where there is a wallet.
-- Outcome  p_outcome, with the balance as the caller read it.
-- Races    the same refusal from several connections: the primary key lets one insert, the others count up.
CREATE OR REPLACE FUNCTION refuse(
    p_user_id text, p_call text, p_reference text, p_outcome text,
    p_currency text, p_balance numeric, p_round_id text, p_stated numeric, p_sent json
) RETURNS receipt LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
BEGIN
    INSERT INTO refusals AS known (
        user_id, call, reference, outcome, currency, round_id, stated, sent, times, first_at, last_at
    ) VALUES (
        p_user_id, p_call, p_reference, p_outcome, p_currency, p_round_id, p_stated, p_sent, 1, v_now, v_now
    )
    ON CONFLICT (user_id, call, reference, outcome) DO UPDATE SET
        currency = excluded.currency,
        round_id = excluded.round_id,
        stated = excluded.stated,
        sent = excluded.sent,
        times = known.times + 1,
        last_at = excluded.last_at;
    RETURN ROW(p_outcome, NULL, p_currency, p_balance)::receipt;
END
$$;
