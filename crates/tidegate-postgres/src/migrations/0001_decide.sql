-- Decides asks, in order, and takes what they cost.
--
-- numbers holds, for each ask: how many counters, and how many requests are wanted (0 to look
-- only); then for each of its counters: kind, cost, a, b, and the time to decide by, -1 for the
-- server's. names holds the counters' names in the same order.
--
-- Answers the server's time, then for each ask: how many requests were granted, and for each
-- counter the state found: state; for kind 4 state, previous, current; for kind 5 the number of
-- live entries, then the three entries that LogRecord speaks of, -1 for one that is not there.
-- For an ask with a counter of another kind than the row: -1 minus that counter's place, and
-- nothing else.
--
-- Looks first, which leaves no trace, and writes only what was found to fit, if the row is
-- still as it was found. A write that failed for that has locked the row, so that the second
-- one succeeds. Rows are written in the order of names.
--
-- Never by a sequential scan: a plan that was made for a small table lives on in one that has
-- grown.
CREATE OR REPLACE FUNCTION {schema}.decide(names text[], numbers bigint[]) RETURNS bigint[]
LANGUAGE plpgsql VOLATILE SET enable_seqscan = off SET plan_cache_mode = force_generic_plan
AS $tidegate$
DECLARE
    now_ns bigint := {schema}.clock();
    answers bigint[] := ARRAY[now_ns];
    filled int := 1;
    -- Where the ask's numbers, and its names, begin.
    base int := 0;
    first_name int := 0;
    counters int;
    granted bigint;
    -- The counter at hand.
    i int;
    at_number int;
    name_i text;
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
    -- All of the ask's rows, as found; logs one behind the other.
    seen boolean[] := '{}';
    mine boolean[] := '{}';
    states bigint[] := '{}';
    previouses bigint[] := '{}';
    currents bigint[] := '{}';
    logs bigint[];
    log_from int[] := '{}';
    log_to int[] := '{}';
    look boolean;
    spare bigint;
    live bigint;
    gone bigint;
    place bigint;
BEGIN
    WHILE base < cardinality(numbers) LOOP
        counters := numbers[base + 1];
        granted := numbers[base + 2];
        logs := NULL;
        i := 1;
        look := true;
        -- First all counters are looked at, then all are written.
        LOOP
            IF i > counters THEN
                EXIT WHEN NOT look OR granted = 0;
                look := false;
                i := 1;
            END IF;
            at_number := base + 5 * i - 3;
            name_i := names[first_name + i];
            kind_i := numbers[at_number + 1];
            cost_i := numbers[at_number + 2];
            a_i := numbers[at_number + 3];
            b_i := numbers[at_number + 4];
            moment := numbers[at_number + 5];
            IF moment < 0 THEN moment := now_ns; END IF;

            IF look THEN
                mine[i] := false;
            ELSE
                units := granted * cost_i;
                IF units = 0 AND NOT mine[i] THEN
                    i := i + 1;
                    CONTINUE;
                END IF;
                row_state := states[i];
                row_previous := previouses[i];
                row_current := currents[i];
                new_state := {schema}.taken(kind_i, a_i, b_i, moment, row_state, units);
                IF kind_i = 4 THEN
                    new_previous := {schema}.rolled_previous(
                        a_i, moment, row_state, row_previous, row_current);
                    new_current := units
                        + {schema}.rolled_current(a_i, moment, row_state, row_current);
                    row_log := NULL;
                    new_log := NULL;
                ELSIF kind_i = 5 THEN
                    new_previous := 0;
                    new_current := 0;
                    row_log := coalesce(logs[log_from[i]:log_to[i]], '{}');
                    gone := {schema}.expired(a_i, moment, row_log);
                    new_log := row_log[gone + 1:] || array_fill(
                        greatest(moment, row_log[cardinality(row_log)]), ARRAY[units::int]);
                ELSE
                    new_previous := 0;
                    new_current := 0;
                    row_log := NULL;
                    new_log := NULL;
                END IF;
                new_expires := now_ns - moment + {schema}.recovered(
                    kind_i, a_i, b_i, new_state, new_previous, new_current, new_log);
                IF mine[i] THEN
                    -- Locked since this ask wrote it, and to be lowered.
                    UPDATE {schema}.counter t
                    SET state = new_state, previous = new_previous, current = new_current,
                        log = new_log, expires_at = new_expires
                    WHERE t.name = name_i;
                ELSIF seen[i] THEN
                    UPDATE {schema}.counter t
                    SET state = new_state, previous = new_previous, current = new_current,
                        log = new_log, expires_at = new_expires
                    WHERE t.name = name_i AND t.state = row_state AND t.previous = row_previous
                        AND t.current = row_current AND t.log IS NOT DISTINCT FROM row_log;
                ELSE
                    INSERT INTO {schema}.counter VALUES (name_i, kind_i, new_state,
                        new_previous, new_current, new_log, new_expires)
                    ON CONFLICT DO NOTHING;
                END IF;
                IF FOUND THEN
                    mine[i] := true;
                    i := i + 1;
                    CONTINUE;
                END IF;
            END IF;

            SELECT t.kind, t.state, t.previous, t.current, t.log
            INTO row_kind, row_state, row_previous, row_current, row_log
            FROM {schema}.counter t WHERE t.name = name_i;
            IF FOUND THEN
                seen[i] := true;
                IF row_kind <> kind_i OR row_state < 0
                    OR kind_i = 5 AND array_position(row_log, NULL) IS NOT NULL
                THEN
                    IF NOT look THEN
                        -- Somebody put it there meanwhile. Undoes all.
                        RAISE EXCEPTION 'counter % has changed its kind', name_i;
                    END IF;
                    granted := -i;
                    EXIT;
                END IF;
            ELSE
                seen[i] := false;
                row_state := 0;
                row_previous := 0;
                row_current := 0;
            END IF;
            states[i] := row_state;
            previouses[i] := row_previous;
            currents[i] := row_current;
            IF kind_i = 5 THEN
                row_log := coalesce(row_log, '{}');
                log_from[i] := coalesce(cardinality(logs), 0) + 1;
                logs := coalesce(logs, '{}') || row_log;
                log_to[i] := cardinality(logs);
            END IF;
            IF granted > 0 THEN
                spare := {schema}.spare(kind_i, cost_i, a_i, b_i, moment,
                    row_state, row_previous, row_current, row_log);
                IF spare < 0 THEN
                    spare := 0;
                ELSIF cost_i = 0 THEN
                    spare := granted;
                ELSE
                    spare := spare / cost_i;
                END IF;
                IF spare < granted THEN
                    granted := spare;
                    -- Others were faster: what was taken elsewhere is lowered.
                    IF NOT look THEN i := 0; END IF;
                END IF;
            END IF;
            IF look OR i = 0 THEN i := i + 1; END IF;
        END LOOP;

        filled := filled + 1;
        answers[filled] := granted;
        IF granted >= 0 THEN
            FOR i IN 1..counters LOOP
                at_number := base + 5 * i - 3;
                kind_i := numbers[at_number + 1];
                IF kind_i = 5 THEN
                    cost_i := numbers[at_number + 2];
                    b_i := numbers[at_number + 4];
                    moment := numbers[at_number + 5];
                    IF moment < 0 THEN moment := now_ns; END IF;
                    row_log := coalesce(logs[log_from[i]:log_to[i]], '{}');
                    gone := {schema}.expired(numbers[at_number + 3], moment, row_log);
                    live := cardinality(row_log) - gone;
                    answers[filled + 1] := live;
                    answers[filled + 2] := coalesce(row_log[gone + 1 + greatest(live - b_i, 0)], -1);
                    answers[filled + 3] := coalesce(row_log[gone + live], -1);
                    place := live + granted * cost_i - (b_i - cost_i) - 1;
                    answers[filled + 4] := CASE WHEN place BETWEEN 0 AND live - 1
                        THEN row_log[gone + 1 + place] ELSE -1 END;
                    filled := filled + 4;
                ELSE
                    answers[filled + 1] := states[i];
                    filled := filled + 1;
                    IF kind_i = 4 THEN
                        answers[filled + 1] := previouses[i];
                        answers[filled + 2] := currents[i];
                        filled := filled + 2;
                    END IF;
                END IF;
            END LOOP;
        END IF;
        base := base + 2 + 5 * counters;
        first_name := first_name + counters;
    END LOOP;
    RETURN answers;
END
$tidegate$;
