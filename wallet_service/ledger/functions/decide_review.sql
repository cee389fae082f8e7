-- decide_review: a person decides about a round in the review queue (rules 4, 6, 9).
--
-- Inputs   the review's key; p_decision is refund (the round whole, its wins taken back) or leave (as it is); p_id names
--          the action and, on a refund, the transaction; who and why are kept for ever. The money goes to the round's
--          own wallet; the review's currency counts only where no such round came to be.
-- Locks    1. the player's wallets, 2. the round, 3. the review.
-- Outcome  review_unknown (there is none, or it is closed), wallet_unknown (to refund to), round_refunded (there is nothing
--          more to refund), reversal_not_covered, applied.
-- Races    two people decide: the second one finds the review closed. A refund closes every open review of its round;
--          only a reconciliation's difference may be about a round that is refunded.
CREATE OR REPLACE FUNCTION decide_review(
    p_user_id text, p_id uuid, p_reversal_id uuid, p_round_id text, p_reason text, p_reference text,
    p_decision text, p_by_whom text, p_why text, p_sent json
) RETURNS receipt LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_receipt receipt := ROW('applied', NULL, NULL, NULL)::receipt;
    v_currency text;
    v_balance numeric;
    v_refund_id uuid;
    v_state text;
    v_now timestamptz;
BEGIN
    PERFORM lock_wallet(p_user_id, NULL);
    v_now := clock_timestamp();
    SELECT coalesce(r.currency, v.currency), r.refund_id, r.state INTO v_currency, v_refund_id, v_state
    FROM reviews v LEFT JOIN rounds r ON r.user_id = v.user_id AND r.round_id = v.round_id
    WHERE v.user_id = p_user_id AND v.round_id = p_round_id AND v.reason = p_reason AND v.reference = p_reference
      AND v.closed_at IS NULL;
    IF NOT FOUND THEN
        RETURN ROW('review_unknown', NULL, NULL, NULL)::receipt;
    END IF;
    IF p_decision = 'refund' THEN
        SELECT w.balance INTO v_balance FROM wallets w WHERE w.user_id = p_user_id AND w.currency = v_currency;
        IF NOT FOUND THEN
            RETURN ROW('wallet_unknown', NULL, NULL, NULL)::receipt;
        ELSIF v_refund_id IS NOT NULL THEN
            RETURN ROW('round_refunded', NULL, v_currency, v_balance)::receipt;
        END IF;
        v_receipt := pay_refund(
            p_user_id, p_id, p_reversal_id, v_currency, v_balance, p_round_id, NULL, p_id::text, NULL, true, p_sent
        );
        IF v_receipt.outcome <> 'applied' THEN
            RETURN v_receipt;
        END IF;
    ELSE
        UPDATE reviews SET closed_at = v_now, resolution = 'left'
        WHERE user_id = p_user_id AND round_id = p_round_id AND reason = p_reason AND reference = p_reference;
    END IF;
    INSERT INTO actions (
        user_id, id, kind, round_id, reason, reference, transaction_id, by_whom, why, at, before, after
    ) VALUES (
        p_user_id, p_id, p_decision, p_round_id, p_reason, p_reference, v_receipt.transaction_id, p_by_whom, p_why,
        clock_timestamp(),
        json_build_object('round', v_state, 'balance', v_balance::text, 'currency', v_currency),
        json_build_object(
            'round', CASE p_decision WHEN 'refund' THEN 'refunded' ELSE v_state END, 'balance', v_receipt.balance::text,
            'currency', v_currency
        )
    );
    RETURN v_receipt;
END
$$;
