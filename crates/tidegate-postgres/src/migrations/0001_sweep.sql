-- Deletes rows that are as good as none, among the many rows after the name from. A row stays
-- for a minute longer, should the clock go back.
--
-- Waits for nobody: a row that another holds is passed over. Answers where to go on, NULL to
-- begin anew, and how many rows were deleted.
CREATE OR REPLACE FUNCTION {schema}.sweep(INOUT place text, many int, OUT deleted bigint)
LANGUAGE plpgsql VOLATILE SET enable_seqscan = off
AS $tidegate$
DECLARE
    now_ns bigint := {schema}.clock();
    dead text[];
    last_name text;
BEGIN
    SELECT max(p.name), array_agg(p.name) FILTER (WHERE p.expires_at < now_ns - 60000000000)
    INTO last_name, dead
    FROM (
        SELECT t.name, t.expires_at FROM {schema}.counter t
        WHERE t.name > coalesce(place, '') ORDER BY t.name LIMIT many
    ) p;
    deleted := 0;
    IF dead IS NOT NULL THEN
        DELETE FROM {schema}.counter t WHERE t.name IN (
            SELECT s.name FROM {schema}.counter s
            WHERE s.name = ANY (dead) AND s.expires_at < now_ns - 60000000000
            FOR UPDATE SKIP LOCKED
        );
        GET DIAGNOSTICS deleted = ROW_COUNT;
    END IF;
    place := last_name;
END
$tidegate$;
