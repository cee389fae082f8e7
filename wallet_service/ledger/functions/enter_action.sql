-- enter_action: enter into the action log what a person did that concerns no one player: accounts and tokens, selections.
--
-- Inputs   p_id names the entry; p_kind is account or cancel; who and why are kept with it for ever.
-- Locks    the row it inserts.
-- Outcome  true; false where the entry was there before.
-- Races    two entries with one id: the primary key lets one insert.
CREATE OR REPLACE FUNCTION enter_action(
    p_id uuid, p_kind text, p_reference text, p_by_whom text, p_why text, p_before json, p_after json
) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF p_kind NOT IN ('account', 'cancel') THEN
        RAISE EXCEPTION 'actions of the kind % are entered by the function that carries them out', p_kind
            USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO actions (user_id, id, kind, reference, by_whom, why, at, before, after)
    VALUES ('', p_id, p_kind, p_reference, p_by_whom, p_why, clock_timestamp(), p_before, p_after)
    ON CONFLICT DO NOTHING;
    RETURN FOUND;
END
$$;
