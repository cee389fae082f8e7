-- cancel: return the one bet that has the reference (rules 5, 6).
--
-- Inputs   p_id names the new transaction; p_currency NULL means the player's only wallet.
-- Locks    1. the player's wallets, 2. the round named.
-- Outcome  in the order of rule 14: player_unknown, wallet_unknown, currency_mismatch, then replayed or
--          reference_reused, bet_in_another_round and last_bet_of_settled_round (each with a review), applied. The
--          cancel of an unknown bet, or in a refunded round, is applied with the amount 0, and so remembered; an
--          unknown bet beside uncancelled ones opens a review.
-- Races    bet and cancel queue at the wallets' lock: the bet is there and comes back, or it finds itself cancelled.
CREATE OR REPLACE FUNCTION cancel(
    p_user_id text, p_id uuid, p_currency text, p_round_id text, p_reference text, p_sent json
) RETURNS receipt LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    the_wallet wallets%ROWTYPE := lock_wallet(p_user_id, p_currency);
    v_currency text := the_wallet.currency;
    v_refusal text;
    v_amount numeric := 0;
    v_balance numeric := the_wallet.balance;
    the_round rounds%ROWTYPE;
    the_bet transactions%ROWTYPE;
    first_cancel transactions%ROWTYPE;
BEGIN
    IF the_wallet.user_id IS NULL THEN
        RETURN no_wallet(p_user_id, 'cancel', p_reference, p_currency, p_round_id, NULL, p_sent);
    END IF;

    SELECT * INTO the_round FROM rounds r
    WHERE r.user_id = p_user_id AND r.round_id = p_round_id FOR NO KEY UPDATE;
    SELECT * INTO the_bet FROM transactions t
    WHERE t.user_id = p_user_id AND t.call = 'bet' AND t.reference = p_reference;
    SELECT * INTO first_cancel FROM transactions t
    WHERE t.user_id = p_user_id AND t.call = 'cancel' AND t.reference = p_reference;

    IF first_cancel.currency <> v_currency THEN
        v_refusal := 'reference_reused';
    ELSIF the_round.currency <> v_currency THEN
        v_refusal := 'currency_mismatch';
    ELSIF first_cancel.id IS NOT NULL THEN
        IF first_cancel.round_id = p_round_id THEN
            RETURN ROW('replayed', first_cancel.id, v_currency, v_balance)::receipt;
        END IF;
        v_refusal := 'reference_reused';
    ELSIF the_bet.round_id <> p_round_id THEN
        IF EXISTS (
            SELECT FROM rounds r
            WHERE r.user_id = p_user_id AND r.round_id = the_bet.round_id AND r.state <> 'refunded'
        ) THEN
            PERFORM open_review(
                p_user_id, the_bet.currency, the_bet.round_id, 'cancel_in_another_round', p_reference
            );
        END IF;
        v_refusal := 'bet_in_another_round';
    ELSIF the_bet.id IS NOT NULL AND the_round.state IN ('settled', 'ended')
          AND the_round.bets - the_round.bets_cancelled = 1 THEN
        PERFORM open_review(p_user_id, v_currency, p_round_id, 'cancel_in_settled_round', p_reference);
        v_refusal := 'last_bet_of_settled_round';
    END IF;
    IF v_refusal IS NOT NULL THEN
        RETURN refuse(
            p_user_id, 'cancel', p_reference, v_refusal, v_currency, v_balance, p_round_id, NULL, p_sent
        );
    END IF;

    IF the_round.state <> 'refunded' AND the_bet.id IS NOT NULL THEN
        v_amount := -the_bet.amount;
        UPDATE rounds SET cancelled = cancelled + v_amount, bets_cancelled = bets_cancelled + 1
        WHERE user_id = p_user_id AND round_id = p_round_id;
    ELSIF the_round.state <> 'refunded' AND the_round.bets > the_round.bets_cancelled THEN
        PERFORM open_review(p_user_id, v_currency, p_round_id, 'unmatched_cancel', p_reference);
    END IF;
    v_balance := post(
        p_user_id, p_id, 'cancel', v_currency, p_round_id, p_reference, NULL, v_amount, NULL, p_sent
    );
    RETURN ROW('applied', p_id, v_currency, v_balance)::receipt;
END
$$;
