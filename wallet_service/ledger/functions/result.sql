-- result: pay what a round won, and so settle it (contract, section 4; rules 4, 5, 7, 9, 10, 13).
--
-- Inputs   p_id names the new transaction; p_currency NULL means the player's only wallet. p_promo_amount, where there
--          is one, is paid on top as a promo win named p_promo_id, keyed by p_promo_reference, whether the result
--          itself is new or told again.
-- Locks    1. the player's wallets, 2. the round. Everything that decides is read under the wallets' lock.
-- Outcome  in the order of rule 14: player_unknown, wallet_unknown, currency_mismatch, round_refunded, then replayed or
--          reference_reused, bets_cancelled, round_without_bet (and a review, which a later payment closes), applied.
-- Races    as bet: the second of two equal results finds the first; a refund that came first is seen.
CREATE OR REPLACE FUNCTION result(
    p_user_id text, p_id uuid, p_promo_id uuid, p_currency text, p_round_id text, p_game_id text, p_reference text,
    p_amount numeric, p_bonus_code text, p_promo_amount numeric, p_promo_reference text, p_sent json
) RETURNS receipt LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    the_wallet wallets%ROWTYPE := lock_wallet(p_user_id, p_currency);
    v_currency text := the_wallet.currency;
    v_refusal text;
    v_balance numeric := the_wallet.balance;
    v_receipt receipt;
    v_promo receipt;
    the_round rounds%ROWTYPE;
    first_result transactions%ROWTYPE;
    v_now timestamptz := clock_timestamp();
BEGIN
    IF the_wallet.user_id IS NULL THEN
        RETURN no_wallet(p_user_id, 'result', p_reference, p_currency, p_round_id, p_amount, p_sent);
    END IF;

    SELECT * INTO the_round FROM rounds r
    WHERE r.user_id = p_user_id AND r.round_id = p_round_id FOR NO KEY UPDATE;
    SELECT * INTO first_result FROM transactions t
    WHERE t.user_id = p_user_id AND t.call = 'result' AND t.reference = p_reference;

    IF first_result.currency <> v_currency THEN
        v_refusal := 'reference_reused';
    ELSIF the_round.currency <> v_currency THEN
        v_refusal := 'currency_mismatch';
    ELSIF the_round.state = 'refunded' THEN
        v_refusal := 'round_refunded';
    ELSIF first_result.id IS NOT NULL THEN
        IF (first_result.round_id, first_result.stated) = (p_round_id, p_amount) THEN
            v_receipt := ROW('replayed', first_result.id, v_currency, v_balance)::receipt;
        ELSE
            v_refusal := 'reference_reused';
        END IF;
    ELSIF the_round.bets > 0 AND the_round.bets = the_round.bets_cancelled THEN
        v_refusal := 'bets_cancelled';
    ELSIF coalesce(the_round.bets, 0) = 0 AND p_bonus_code IS NULL THEN
        PERFORM open_review(p_user_id, v_currency, p_round_id, 'result_without_bet', p_reference);
        v_refusal := 'round_without_bet';
    END IF;
    IF v_refusal IS NOT NULL THEN
        RETURN refuse(
            p_user_id, 'result', p_reference, v_refusal, v_currency, v_balance, p_round_id, p_amount, p_sent
        );
    END IF;

    IF v_receipt.outcome IS NULL THEN
        IF the_round.user_id IS NULL THEN
            INSERT INTO rounds (user_id, round_id, currency, game_id, state, won)
            VALUES (p_user_id, p_round_id, v_currency, p_game_id, 'settled', p_amount);
        ELSE
            UPDATE rounds SET
                won = won + p_amount,
                state = CASE WHEN state = 'open' THEN 'settled' ELSE state END
            WHERE user_id = p_user_id AND round_id = p_round_id;
        END IF;
        UPDATE reviews SET closed_at = v_now, resolution = 'paid'
        WHERE user_id = p_user_id AND round_id = p_round_id AND reason = 'result_without_bet'
          AND reference = p_reference AND closed_at IS NULL;
        v_balance := post(
            p_user_id, p_id, 'result', v_currency, p_round_id, p_reference, p_bonus_code, p_amount, p_amount, p_sent
        );
        v_receipt := ROW('applied', p_id, v_currency, v_balance)::receipt;
    END IF;
    IF p_promo_amount IS NOT NULL THEN
        v_promo := win(
            p_user_id, p_promo_id, 'promo_win', v_currency, p_round_id, p_promo_reference, p_promo_amount, NULL, p_sent
        );
        v_receipt.balance := v_promo.balance;
    END IF;
    RETURN v_receipt;
END
$$;
