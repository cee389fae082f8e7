-- bet: take a stake from the wallet (contract, section 4; rules 3, 5, 6, 7, 8, 10, 11, 12).
--
-- Inputs   p_id names the new transaction; p_currency NULL means the player's only wallet; a bet with p_bonus_code is
--          a free round and costs nothing (rule 2).
-- Locks    1. the player's wallets, 2. the round. Everything that decides is read under the wallets' lock.
-- Outcome  in the order of rule 14: player_unknown, wallet_unknown, currency_mismatch, round_refunded, bet_cancelled,
--          then replayed or reference_reused, round_ended, player_frozen, insufficient_balance, applied.
-- Races    calls of one player queue at the wallets' lock, and each statement after it sees what the others committed, so the
--          second of two equal bets finds the first and the second of two big bets finds the money gone.
CREATE OR REPLACE FUNCTION bet(
    p_user_id text, p_id uuid, p_currency text, p_round_id text, p_game_id text, p_reference text,
    p_amount numeric, p_bonus_code text, p_sent json
) RETURNS receipt LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    the_wallet wallets%ROWTYPE := lock_wallet(p_user_id, p_currency);
    v_currency text := the_wallet.currency;
    v_cost numeric := CASE WHEN p_bonus_code IS NULL THEN p_amount ELSE 0 END;
    v_refusal text;
    v_balance numeric := the_wallet.balance;
    the_round rounds%ROWTYPE;
    first_bet transactions%ROWTYPE;
BEGIN
    IF the_wallet.user_id IS NULL THEN
        RETURN no_wallet(p_user_id, 'bet', p_reference, p_currency, p_round_id, p_amount, p_sent);
    END IF;

    SELECT * INTO the_round FROM rounds r
    WHERE r.user_id = p_user_id AND r.round_id = p_round_id FOR NO KEY UPDATE;
    SELECT * INTO first_bet FROM transactions t
    WHERE t.user_id = p_user_id AND t.call = 'bet' AND t.reference = p_reference;

    IF first_bet.currency <> v_currency THEN
        -- Before the round's currency is compared: 52 would be resent and end in a Cancel of the first bet (rule 7).
        v_refusal := 'reference_reused';
    ELSIF the_round.currency <> v_currency THEN
        v_refusal := 'currency_mismatch';
    ELSIF the_round.state = 'refunded' OR EXISTS (
        SELECT FROM transactions t
        WHERE t.user_id = p_user_id AND t.call = 'refund' AND t.round_id IS NULL AND t.reference = p_reference
    ) THEN
        v_refusal := 'round_refunded';
    ELSIF EXISTS (
        SELECT FROM transactions t
        WHERE t.user_id = p_user_id AND t.call = 'cancel' AND t.reference = p_reference
    ) THEN
        v_refusal := 'bet_cancelled';
    ELSIF first_bet.id IS NOT NULL THEN
        IF (first_bet.round_id, first_bet.stated) = (p_round_id, p_amount)
           AND first_bet.bonus_code IS NOT DISTINCT FROM p_bonus_code THEN
            RETURN ROW('replayed', first_bet.id, v_currency, v_balance)::receipt;
        END IF;
        v_refusal := 'reference_reused';
    ELSIF the_round.state = 'ended' THEN
        v_refusal := 'round_ended';
    ELSIF (SELECT p.state FROM players p WHERE p.user_id = p_user_id) = 'frozen' THEN
        v_refusal := 'player_frozen';
    ELSIF v_balance < v_cost THEN
        v_refusal := 'insufficient_balance';
    END IF;
    IF v_refusal IS NOT NULL THEN
        RETURN refuse(
            p_user_id, 'bet', p_reference, v_refusal, v_currency, v_balance, p_round_id, p_amount, p_sent
        );
    END IF;

    IF the_round.user_id IS NULL THEN
        INSERT INTO rounds (user_id, round_id, currency, game_id, staked, bets)
        VALUES (p_user_id, p_round_id, v_currency, p_game_id, v_cost, 1);
    ELSE
        UPDATE rounds SET staked = staked + v_cost, bets = bets + 1
        WHERE user_id = p_user_id AND round_id = p_round_id;
    END IF;
    v_balance := post(
        p_user_id, p_id, 'bet', v_currency, p_round_id, p_reference, p_bonus_code, -v_cost, p_amount, p_sent
    );
    RETURN ROW('applied', p_id, v_currency, v_balance)::receipt;
END
$$;
