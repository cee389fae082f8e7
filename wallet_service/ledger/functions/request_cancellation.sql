-- request_cancellation: record that a round's cancellation is about to be asked for, before it is (contract, section 2).
--
-- Inputs   p_id names the attempt and, on the first one, the cancellation; p_round_id NULL means every open round of
--          p_game_id; who asks and why are kept; for p_patience seconds the answer is awaited.
-- Locks    1. the player's wallets, 2. the cancellation.
-- Outcome  player_unknown, replayed (with the refund that the round has already; there is nothing to ask for),
--          cancellation_under_way (an answer or a Refund is awaited for the round, perhaps with its whole game), applied
--          (ask now).
-- Races    two people ask for one round: the second one, queued at the wallets' lock, finds the first one's attempt. A
--          refund queues there too, so it closes the cancellation or is found.
CREATE OR REPLACE FUNCTION request_cancellation(
    p_user_id text, p_id uuid, p_round_id text, p_game_id text, p_by_whom text, p_why text, p_patience integer
) RETURNS receipt LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_now timestamptz;
    v_refund_id uuid;
    v_cancellation_id uuid := p_id;
    the_cancellation cancellations%ROWTYPE;
BEGIN
    PERFORM lock_wallet(p_user_id, NULL);
    IF NOT EXISTS (SELECT FROM players p WHERE p.user_id = p_user_id) THEN
        RETURN ROW('player_unknown', NULL, NULL, NULL)::receipt;
    END IF;
    SELECT r.refund_id INTO v_refund_id FROM rounds r WHERE r.user_id = p_user_id AND r.round_id = p_round_id;
    IF v_refund_id IS NOT NULL THEN
        RETURN ROW('replayed', v_refund_id, NULL, NULL)::receipt;
    END IF;

    v_now := clock_timestamp();
    SELECT * INTO the_cancellation FROM cancellations c
    WHERE c.user_id = p_user_id AND c.state <> 'refunded'
      AND (c.round_id = p_round_id OR (p_round_id IS NULL AND c.round_id IS NULL AND c.game_id = p_game_id))
    FOR NO KEY UPDATE;
    IF the_cancellation.due_at > v_now OR EXISTS (
        SELECT FROM cancellation_rounds m JOIN cancellations c ON c.user_id = m.user_id AND c.id = m.cancellation_id
        WHERE m.user_id = p_user_id AND m.round_id = p_round_id AND m.refund_id IS NULL AND c.due_at > v_now
    ) THEN
        RETURN ROW('cancellation_under_way', NULL, NULL, NULL)::receipt;
    ELSIF the_cancellation.id IS NOT NULL THEN
        v_cancellation_id := the_cancellation.id;
        UPDATE cancellations SET
            state = 'requested', asked_at = v_now, due_at = v_now + make_interval(secs => p_patience),
            game_id = coalesce(p_game_id, game_id)
        WHERE user_id = p_user_id AND id = v_cancellation_id;
    ELSE
        INSERT INTO cancellations (user_id, id, round_id, game_id, state, requested_at, asked_at, due_at)
        VALUES (
            p_user_id, p_id, p_round_id, p_game_id, 'requested', v_now, v_now,
            v_now + make_interval(secs => p_patience)
        );
    END IF;
    INSERT INTO cancellation_rounds (user_id, cancellation_id, round_id)
    SELECT p_user_id, v_cancellation_id, p_round_id WHERE p_round_id IS NOT NULL
    UNION ALL
    SELECT r.user_id, v_cancellation_id, r.round_id FROM rounds r
    WHERE r.user_id = p_user_id AND p_round_id IS NULL AND r.game_id = p_game_id AND r.state = 'open'
      AND r.bets > r.bets_cancelled
    ON CONFLICT DO NOTHING;
    INSERT INTO cancellation_attempts (user_id, id, cancellation_id, by_whom, why, asked_at)
    VALUES (p_user_id, p_id, v_cancellation_id, p_by_whom, p_why, v_now);
    INSERT INTO actions (user_id, id, kind, round_id, reference, by_whom, why, at, before, after)
    VALUES (
        p_user_id, p_id, 'cancel', p_round_id, p_game_id, p_by_whom, p_why, v_now,
        json_build_object('cancellation', the_cancellation.state), json_build_object('cancellation', 'requested')
    );
    RETURN ROW('applied', p_id, NULL, NULL)::receipt;
END
$$;
