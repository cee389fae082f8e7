-- apply_calls: apply the calls that wait together, one after the other, under one commit.
--
-- Inputs   a JSON array of calls: the name of each one's function as "function", its parameters by their names.
-- Locks    those of the calls, player by player in the order of their ids, so that two such statements cannot deadlock.
--          It waits for a lock a tenth as long as a single call does: a stuck wallet must not keep the others waiting.
-- Outcome  for each call its place in the array, from 0, and its receipt. A refusal is a receipt and touches no other
--          call; an exception undoes them all, and the caller applies them one by one.
-- Races    each call sees what the calls before it did, and whatever was committed when it got its locks.
CREATE OR REPLACE FUNCTION apply_calls(p_calls json)
RETURNS TABLE (place integer, outcome text, transaction_id uuid, currency text, balance numeric)
LANGUAGE plpgsql VOLATILE SET lock_timeout = '100ms' AS $$
DECLARE
    q record;
    v_receipt receipt;
BEGIN
    FOR q IN
        SELECT c.*, (row_number() OVER ())::integer - 1 AS n FROM json_to_recordset(p_calls) AS c (
            function text, user_id text, id uuid, promo_id uuid, reversal_id uuid, currency text, round_id text,
            game_id text, reference text, amount numeric, bonus_code text, promo_amount numeric, promo_reference text,
            kind text, reverse boolean, sent text
        )
        ORDER BY c.user_id, n
    LOOP
        CASE q.function
            WHEN 'balance' THEN
                v_receipt := balance(q.user_id, q.currency, q.sent::json);
            WHEN 'bet' THEN
                v_receipt := bet(
                    q.user_id, q.id, q.currency, q.round_id, q.game_id, q.reference, q.amount, q.bonus_code,
                    q.sent::json
                );
            WHEN 'result' THEN
                v_receipt := result(
                    q.user_id, q.id, q.promo_id, q.currency, q.round_id, q.game_id, q.reference, q.amount,
                    q.bonus_code, q.promo_amount, q.promo_reference, q.sent::json
                );
            WHEN 'refund' THEN
                v_receipt := refund(
                    q.user_id, q.id, q.reversal_id, q.currency, q.round_id, q.game_id, q.reference, q.amount,
                    q.reverse, q.sent::json
                );
            WHEN 'cancel' THEN
                v_receipt := cancel(q.user_id, q.id, q.currency, q.round_id, q.reference, q.sent::json);
            WHEN 'end_round' THEN
                v_receipt := end_round(q.user_id, q.currency, q.round_id, q.sent::json);
            WHEN 'win' THEN
                v_receipt := win(
                    q.user_id, q.id, q.kind, q.currency, q.round_id, q.reference, q.amount, q.bonus_code, q.sent::json
                );
            WHEN 'check_wallet' THEN
                v_receipt := check_wallet(q.user_id, q.currency, q.sent::json);
            WHEN 'session_expired' THEN
                v_receipt := session_expired(q.user_id, q.sent::json);
        END CASE;
        place := q.n;
        outcome := v_receipt.outcome;
        transaction_id := v_receipt.transaction_id;
        currency := v_receipt.currency;
        balance := v_receipt.balance;
        RETURN NEXT;
    END LOOP;
END
$$;
