-- record_reconciliation: keep what was compared with Lucky Monaco's book, and until when.
--
-- Inputs   p_id names the record; the comparison is whole from p_start to before p_done_to, over so many rounds of the
--          wallet's and of Lucky Monaco's, and found so many differences.
-- Locks    the row it inserts.
-- Outcome  true; false where the record was there before.
-- Races    two records with one id: the primary key lets one insert.
CREATE OR REPLACE FUNCTION record_reconciliation(
    p_id uuid, p_start timestamptz, p_done_to timestamptz, p_rounds_here bigint, p_rounds_there bigint,
    p_differences bigint
) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    INSERT INTO reconciliations (id, at, period_start, done_to, rounds_here, rounds_there, differences)
    VALUES (p_id, clock_timestamp(), p_start, p_done_to, p_rounds_here, p_rounds_there, p_differences)
    ON CONFLICT DO NOTHING;
    RETURN FOUND;
END
$$;
