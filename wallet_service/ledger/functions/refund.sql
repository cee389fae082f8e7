-- refund: return a voided round's stake, once for ever (contract, section 3; rules 1, 2, 3, 4).
--
-- Inputs   p_id names the new transaction; p_currency NULL means the player's only wallet; p_round_id NULL means the
--          round of the bet with p_reference; p_amount is what the caller stated, logged and never trusted. With
--          p_reverse a settled round is reversed whole: its wins are taken back in a second transaction,
--          p_reversal_id.
-- Locks    1. the player's wallets, 2. the round; a replay takes none, unless commits wait for a standby.
-- Outcome  in the order of rule 14: player_unknown, wallet_unknown, currency_mismatch, then replayed, round_settled or
--          reversal_not_covered (each with a review), applied. The refund of a round or bet that is not known is
--          applied with the amount 0, and so remembered.
-- Races    a refund is never undone and a bet never changes its round, so the replay may answer from what is
--          committed. Where commits wait for a standby, what is seen need not be there yet: whoever waited may have been
--          ended, or the server have been started again. A replay that locks writes, and so waits as well. Everything
--          else is decided under the wallets' lock: of many equal refunds one pays, and the others, queued at the lock,
--          find it.
CREATE OR REPLACE FUNCTION refund(
    p_user_id text, p_id uuid, p_reversal_id uuid, p_currency text, p_round_id text, p_game_id text,
    p_reference text, p_amount numeric, p_reverse boolean, p_sent json
) RETURNS receipt LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    the_wallet wallets%ROWTYPE;
    v_currency text;
    v_round_id text := p_round_id;
    v_first_id uuid;
    v_first_currency text;
    v_balance numeric;
    v_receipt receipt;
BEGIN
    IF v_round_id IS NULL THEN
        SELECT t.round_id INTO v_round_id FROM transactions t
        WHERE t.user_id = p_user_id AND t.call = 'bet' AND t.reference = p_reference;
    END IF;
    IF v_round_id IS NULL THEN
        SELECT t.id, t.currency INTO v_first_id, v_first_currency FROM transactions t
        WHERE t.user_id = p_user_id AND t.call = 'refund' AND t.round_id IS NULL AND t.reference = p_reference;
    ELSE
        SELECT r.refund_id, r.currency INTO v_first_id, v_first_currency FROM rounds r
        WHERE r.user_id = p_user_id AND r.round_id = v_round_id;
    END IF;
    IF v_first_id IS NOT NULL AND (p_currency IS NULL OR p_currency = v_first_currency)
       AND current_setting('synchronous_standby_names') = '' THEN
        RETURN ROW('replayed', v_first_id, v_first_currency, NULL)::receipt;
    END IF;

    the_wallet := lock_wallet(p_user_id, p_currency);
    v_currency := the_wallet.currency;
    v_balance := the_wallet.balance;
    IF the_wallet.user_id IS NULL THEN
        RETURN no_wallet(p_user_id, 'refund', p_reference, p_currency, v_round_id, p_amount, p_sent);
    END IF;

    IF v_round_id IS NULL THEN
        -- The bet, or the same refund, may have come while this call waited for the lock.
        SELECT t.round_id INTO v_round_id FROM transactions t
        WHERE t.user_id = p_user_id AND t.call = 'bet' AND t.reference = p_reference;
    END IF;
    IF v_round_id IS NULL THEN
        SELECT t.id, t.currency INTO v_first_id, v_first_currency FROM transactions t
        WHERE t.user_id = p_user_id AND t.call = 'refund' AND t.round_id IS NULL AND t.reference = p_reference;
    ELSE
        SELECT r.refund_id, r.currency INTO v_first_id, v_first_currency FROM rounds r
        WHERE r.user_id = p_user_id AND r.round_id = v_round_id;
    END IF;
    IF v_first_currency <> v_currency THEN
        v_receipt.outcome := 'currency_mismatch';
    ELSIF v_first_id IS NOT NULL THEN
        RETURN ROW('replayed', v_first_id, v_currency, v_balance)::receipt;
    ELSE
        v_receipt := pay_refund(
            p_user_id, p_id, p_reversal_id, v_currency, v_balance, v_round_id, p_game_id, p_reference, p_amount,
            p_reverse, p_sent
        );
    END IF;
    IF v_receipt.outcome = 'applied' THEN
        RETURN v_receipt;
    ELSIF v_receipt.outcome = 'round_settled' THEN
        PERFORM open_review(p_user_id, v_currency, v_round_id, 'refund_of_settled_round', '');
    ELSIF v_receipt.outcome = 'reversal_not_covered' THEN
        PERFORM open_review(p_user_id, v_currency, v_round_id, 'reversal_not_covered', '');
    END IF;
    RETURN refuse(
        p_user_id, 'refund', p_reference, v_receipt.outcome, v_currency, v_balance, v_round_id, p_amount, p_sent
    );
END
$$;
