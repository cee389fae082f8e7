-- win: pay a promo, bonus or jackpot win, once per reference (contract, section 4; rules 7, 12, 13).
--
-- Inputs   p_call is promo_win, bonus_win or jackpot_win; p_id names the new transaction; p_round_id is the round the
--          caller names, if any, which is kept and decides nothing. A bonus win with p_bonus_code pays what that bonus
--          has not paid yet, never less than nothing; what a refund took back was not paid.
-- Locks    the player's wallets. Everything that decides is read under it.
-- Outcome  in the order of rule 14: player_unknown, wallet_unknown, then replayed or reference_reused, applied.
-- Races    as bet: the second of two equal wins finds the first.
CREATE OR REPLACE FUNCTION win(
    p_user_id text, p_id uuid, p_call text, p_currency text, p_round_id text, p_reference text,
    p_amount numeric, p_bonus_code text, p_sent json
) RETURNS receipt LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    the_wallet wallets%ROWTYPE := lock_wallet(p_user_id, p_currency);
    v_currency text := the_wallet.currency;
    v_amount numeric := p_amount;
    v_balance numeric := the_wallet.balance;
    first_win transactions%ROWTYPE;
BEGIN
    IF the_wallet.user_id IS NULL THEN
        RETURN no_wallet(p_user_id, p_call, p_reference, p_currency, p_round_id, p_amount, p_sent);
    END IF;

    SELECT * INTO first_win FROM transactions t
    WHERE t.user_id = p_user_id AND t.call = p_call AND t.reference = p_reference;
    IF FOUND THEN
        IF (first_win.currency, first_win.stated) = (v_currency, p_amount)
           AND coalesce(first_win.round_id = p_round_id, true) THEN
            RETURN ROW('replayed', first_win.id, v_currency, v_balance)::receipt;
        END IF;
        RETURN refuse(
            p_user_id, p_call, p_reference, 'reference_reused', v_currency, v_balance, p_round_id, p_amount, p_sent
        );
    END IF;

    IF p_bonus_code IS NOT NULL THEN
        v_amount := greatest(0, p_amount - (
            SELECT coalesce(sum(t.amount), 0) FROM transactions t
            WHERE t.user_id = p_user_id AND t.bonus_code = p_bonus_code AND t.currency = v_currency
              AND (t.call = 'bonus_win' OR (t.call = 'result' AND NOT EXISTS (
                  SELECT FROM rounds r
                  WHERE r.user_id = p_user_id AND r.round_id = t.round_id AND r.state = 'refunded')))
        ));
    END IF;
    v_balance := post(
        p_user_id, p_id, p_call, v_currency, p_round_id, p_reference, p_bonus_code, v_amount, p_amount, p_sent
    );
    RETURN ROW('applied', p_id, v_currency, v_balance)::receipt;
END
$$;
