-- end_round: hear that a round is over: no further bet is taken in it, a result still is (rule 10).
--
-- Inputs   p_currency NULL means the player's only wallet.
-- Locks    1. the player's wallets, 2. the round.
-- Outcome  in the order of rule 14: player_unknown, wallet_unknown, currency_mismatch, replayed (ended before,
--          refunded, or unknown: nothing is remembered), applied.
-- Races    a bet that was first is in the round; one that comes later finds it ended.
CREATE OR REPLACE FUNCTION end_round(
    p_user_id text, p_currency text, p_round_id text, p_sent json
) RETURNS receipt LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    the_wallet wallets%ROWTYPE := lock_wallet(p_user_id, p_currency);
    v_currency text := the_wallet.currency;
    v_balance numeric := the_wallet.balance;
    the_round rounds%ROWTYPE;
    v_now timestamptz := clock_timestamp();
BEGIN
    IF the_wallet.user_id IS NULL THEN
        RETURN no_wallet(p_user_id, 'end_round', p_round_id, p_currency, p_round_id, NULL, p_sent);
    END IF;
    SELECT * INTO the_round FROM rounds r
    WHERE r.user_id = p_user_id AND r.round_id = p_round_id FOR NO KEY UPDATE;
    IF the_round.currency <> v_currency THEN
        RETURN refuse(
            p_user_id, 'end_round', p_round_id, 'currency_mismatch', v_currency, v_balance, p_round_id, NULL, p_sent
        );
    ELSIF the_round.state IN ('open', 'settled') THEN
        UPDATE rounds SET state = 'ended', ended_at = v_now
        WHERE user_id = p_user_id AND round_id = p_round_id;
        RETURN ROW('applied', NULL, v_currency, v_balance)::receipt;
    END IF;
    RETURN ROW('replayed', NULL, v_currency, v_balance)::receipt;
END
$$;
