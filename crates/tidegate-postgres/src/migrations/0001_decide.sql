-- Decides one ask, and takes what it costs.
--
-- numbers and names are as for decide, from the number of requests on.
--
-- Answers how many requests were granted, and for each counter the state found: state; for
-- kind 4 state, previous, current; for kind 5 the number of live entries, then the three
-- entries that LogRecord speaks of, -1 for one that is not there. For an ask with a counter of
-- another kind than the row: -1 minus that counter's place, and nothing else.
--
-- Looks first, which leaves no trace, and writes only what was found to fit, if the row is
-- still as it was found. A write that failed for that has locked the row, so that the second
-- one succeeds. Rows are written in the order of names, for which the caller sees.
CREATE OR REPLACE FUNCTION {schema}.decide_one(names text[], numbers bigint[], now_ns bigint)
RETURNS bigint[] LANGUAGE plpgsql VOLATILE AS $tidegate$
DECLARE
    counters int := cardinality(names);
    granted bigint := numbers[1];
    answer bigint[];
    -- First all counters are looked at, then all are written.
    looks boolean := true;
    -- The counter at hand.
    i int := 1;
    kind_i bigint;
    cost_i bigint;
    a_i bigint;
    b_i bigint;
    moment bigint;
    -- Its row, as found.
    row_kind bigint;
    row_state bigint;
    row_previous bigint;
    row_current bigint;
    row_log bigint[];
    -- Its row, as it shall be.
    units bigint;
    new_state bigint;
    new_previous bigint;
    new_current bigint;
    new_log bigint[];
    new_expires bigint;
    -- All rows, as found; logs one behind the other. Those of which something was taken.
    seen boolean[];
    states bigint[];
    previouses bigint[];
    currents bigint[];
    logs bigint[] := '{}';
    log_from int[];
    log_to int[];
    mine boolean[];
    spare bigint;
    gone bigint;
    live bigint;
    place bigint;
BEGIN
    LOOP
        IF i > counters THEN
            EXIT WHEN NOT looks OR granted = 0;
            looks := false;
            i := 1;
        END IF;
        kind_i := numbers[5 * i - 3];
        cost_i := numbers[5 * i - 2];
        a_i := numbers[5 * i - 1];
        b_i := numbers[5 * i];
        moment := numbers[5 * i + 1];
        IF moment < 0 THEN moment := now_ns; END IF;

        IF NOT looks THEN
            units := granted * cost_i;
            IF units = 0 AND mine[i] IS NOT TRUE THEN
                i := i + 1;
                CONTINUE;
            END IF;
            row_state := states[i];
            row_previous := previouses[i];
            row_current := currents[i];
            row_log := NULL;
            new_state := {schema}.taken(kind_i, a_i, b_i, moment, row_state, units);
            new_previous := 0;
            new_current := 0;
            new_log := NULL;
            IF kind_i = 4 THEN
                new_previous := {schema}.rolled_previous(
                    a_i, moment, row_state, row_previous, row_current);
                new_current := units
                    + {schema}.rolled_current(a_i, moment, row_state, row_current);
            ELSIF kind_i = 5 THEN
                row_log := logs[log_from[i]:log_to[i]];
                gone := {schema}.expired(a_i, moment, row_log);
                new_log := row_log[gone + 1:] || array_fill(
                    greatest(moment, row_log[cardinality(row_log)]), ARRAY[units::int]);
            END IF;
            new_expires := now_ns - moment + {schema}.recovered(
                kind_i, a_i, b_i, new_state, new_previous, new_current, new_log);
            IF mine[i] THEN
                -- Locked since it was written, and to be lowered.
                UPDATE {schema}.counter t
                SET state = new_state, previous = new_previous, current = new_current,
                    log = new_log, expires_at = new_expires
                WHERE t.name = names[i];
            ELSIF seen[i] THEN
                UPDATE {schema}.counter t
                SET state = new_state, previous = new_previous, current = new_current,
                    log = new_log, expires_at = new_expires
                WHERE t.name = names[i] AND t.state = row_state AND t.previous = row_previous
                    AND t.current = row_current AND t.log IS NOT DISTINCT FROM row_log;
            ELSE
                INSERT INTO {schema}.counter VALUES (names[i], kind_i, new_state,
                    new_previous, new_current, new_log, new_expires)
                ON CONFLICT DO NOTHING;
            END IF;
            IF FOUND THEN
                mine[i] := true;
                i := i + 1;
                CONTINUE;
            END IF;
        END IF;

        -- Looking, or others were faster.
        SELECT t.kind, t.state, t.previous, t.current, t.log
        INTO row_kind, row_state, row_previous, row_current, row_log
        FROM {schema}.counter t WHERE t.name = names[i];
        seen[i] := FOUND;
        IF row_kind <> kind_i OR row_state < 0
            OR kind_i = 5 AND array_position(row_log, NULL) IS NOT NULL
        THEN
            IF NOT looks THEN
                -- Put there just now. Undoes all.
                RAISE EXCEPTION 'counter % has changed its kind', names[i];
            END IF;
            RETURN ARRAY[-i];
        END IF;
        states[i] := coalesce(row_state, 0);
        previouses[i] := coalesce(row_previous, 0);
        currents[i] := coalesce(row_current, 0);
        IF kind_i = 5 THEN
            row_log := coalesce(row_log, '{}');
            log_from[i] := cardinality(logs) + 1;
            logs := logs || row_log;
            log_to[i] := cardinality(logs);
        END IF;
        IF granted > 0 THEN
            spare := {schema}.spare(kind_i, cost_i, a_i, b_i, moment,
                states[i], previouses[i], currents[i], row_log);
            IF spare < 0 THEN
                spare := 0;
            ELSIF cost_i = 0 THEN
                spare := granted;
            ELSE
                spare := spare / cost_i;
            END IF;
            IF spare < granted THEN
                granted := spare;
                -- What was taken elsewhere is lowered.
                IF NOT looks THEN i := 1; END IF;
            END IF;
        END IF;
        IF looks THEN i := i + 1; END IF;
    END LOOP;

    answer := ARRAY[granted];
    FOR i IN 1..counters LOOP
        answer := answer || states[i];
        kind_i := numbers[5 * i - 3];
        IF kind_i = 4 THEN
            answer := answer || ARRAY[previouses[i], currents[i]];
        ELSIF kind_i = 5 THEN
            cost_i := numbers[5 * i - 2];
            b_i := numbers[5 * i];
            moment := numbers[5 * i + 1];
            IF moment < 0 THEN moment := now_ns; END IF;
            row_log := logs[log_from[i]:log_to[i]];
            gone := {schema}.expired(numbers[5 * i - 1], moment, row_log);
            live := cardinality(row_log) - gone;
            place := live + granted * cost_i - (b_i - cost_i) - 1;
            answer[cardinality(answer)] := live;
            answer := answer || ARRAY[
                coalesce(row_log[gone + 1 + greatest(live - b_i, 0)], -1),
                coalesce(row_log[gone + live], -1),
                CASE WHEN place BETWEEN 0 AND live - 1 THEN row_log[gone + 1 + place] ELSE -1 END
            ];
        END IF;
    END LOOP;
    RETURN answer;
END
$tidegate$;
