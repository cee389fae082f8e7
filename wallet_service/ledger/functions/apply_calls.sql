-- apply_calls: apply the calls that wait together, one after the other, under one commit.
--
-- Inputs   p_calls is a JSON array of calls: the name of each one's function as "function", its parameters by their
--          names. p_players are those whose wallets the calls lock: all but of the calls that only look.
-- Locks    1. the players' wallets, without waiting: who has them keeps them, and is asked again a few times for some
--          milliseconds, as another group lets go soon; 2. what each call locks below its wallets. Those that only
--          look come behind the others of the first try; a refusal of their player is all that they lock. So two
--          such statements do not wait for each other's wallets, and one that is stuck keeps no other one waiting. Only
--          refused looks of one player in several currencies might meet in a circle, which the lock timeout ends.
-- Outcome  for each call that was applied, its place in the array, from 0, and its receipt. None for the others, which
--          the caller applies by themselves: their wallets were not free, or the statement's time was over before. A
--          refusal is a receipt and touches no other call; an exception undoes them all.
-- Races    each call sees what the calls before it did, and whatever was committed when the locks were taken.
CREATE OR REPLACE FUNCTION apply_calls(p_players text[], p_calls json)
RETURNS TABLE (place integer, outcome text, transaction_id uuid, currency text, balance numeric)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    c_looking CONSTANT text[] := ARRAY['balance', 'check_wallet', 'session_expired'];
    v_left text[] := p_players;
    v_locked text[];
    v_try integer := 0;
    q record;
    v_receipt receipt;
BEGIN
    LOOP
        v_try := v_try + 1;
        WITH locked AS MATERIALIZED (
            SELECT w.user_id FROM wallets w WHERE w.user_id = ANY (v_left)
            ORDER BY w.user_id, w.currency FOR NO KEY UPDATE SKIP LOCKED
        )
        SELECT array_agg(p.user_id) FILTER (WHERE p.is_locked), array_agg(p.user_id) FILTER (WHERE NOT p.is_locked)
        INTO v_locked, v_left
        FROM (
            SELECT one.user_id, (SELECT count(*) FROM locked l WHERE l.user_id = one.user_id)
                = (SELECT count(*) FROM wallets w WHERE w.user_id = one.user_id) AS is_locked
            FROM unnest(v_left) AS one (user_id)
        ) AS p;
        IF v_locked IS NOT NULL OR v_try = 1 THEN
            FOR q IN
                SELECT c.*, c.function = ANY (c_looking) AS is_looking
                FROM (
                    SELECT r.*, (row_number() OVER ())::integer - 1 AS n FROM json_to_recordset(p_calls) AS r (
                        function text, user_id text, id uuid, promo_id uuid, reversal_id uuid, currency text,
                        round_id text, game_id text, reference text, amount numeric, bonus_code text,
                        promo_amount numeric, promo_reference text, kind text, reverse boolean, sent text
                    )
                ) AS c
                WHERE CASE WHEN c.function = ANY (c_looking) THEN v_try = 1 ELSE c.user_id = ANY (v_locked) END
                ORDER BY
                    is_looking, c.user_id, CASE WHEN c.function = ANY (c_looking) THEN c.function || c.currency END, c.n
            LOOP
                IF clock_timestamp() > statement_timestamp() + interval '300 milliseconds' THEN
                    RETURN;
                END IF;
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
                        v_receipt := cancel(
                            q.user_id, q.id, q.currency, q.round_id, q.reference, q.sent::json
                        );
                    WHEN 'end_round' THEN
                        v_receipt := end_round(q.user_id, q.currency, q.round_id, q.sent::json);
                    WHEN 'win' THEN
                        v_receipt := win(
                            q.user_id, q.id, q.kind, q.currency, q.round_id, q.reference, q.amount, q.bonus_code,
                            q.sent::json
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
        END IF;
        EXIT WHEN v_left IS NULL OR v_try = 6;
        PERFORM pg_sleep(0.002);
    END LOOP;
END
$$;
