-- Changes counters, each by itself.
--
-- numbers holds, for each change: what (1 give back, 2 take, 3 forget, 4 replace), kind, a, b,
-- the time to change it by (-1 for the server's), and two numbers. Give back: units, when they
-- were taken. Take: units, and the most that may be owed: for GCRA and the queue a time
-- ahead, else units in all. Forget: none. Replace: a state, and the one to put in its place.
-- For GCRA and the queue, units are given as the time in which they come back.
--
-- Answers the place of the last counter of another kind than its row, which was left alone,
-- or 0.
CREATE OR REPLACE FUNCTION {schema}.adjust(names text[], numbers bigint[]) RETURNS int
LANGUAGE plpgsql VOLATILE SET enable_seqscan = off
AS $tidegate$
DECLARE
    now_ns bigint := {schema}.clock();
    foreign_at int := 0;
    base int;
    what bigint;
    kind_i bigint;
    a_i bigint;
    b_i bigint;
    moment bigint;
    x bigint;
    y bigint;
    found_row boolean;
    found_kind bigint;
    found_state bigint;
    found_previous bigint;
    found_current bigint;
    found_log bigint[];
    new_state bigint;
    new_previous bigint;
    new_current bigint;
    new_log bigint[];
    new_expires bigint;
    -- Of a log, the entries before and after the ones to remove.
    head bigint;
    tail bigint;
BEGIN
    FOR i IN 1..coalesce(cardinality(names), 0) LOOP
        base := 7 * (i - 1);
        what := numbers[base + 1];
        kind_i := numbers[base + 2];
        a_i := numbers[base + 3];
        b_i := numbers[base + 4];
        moment := numbers[base + 5];
        IF moment < 0 THEN moment := now_ns; END IF;
        x := numbers[base + 6];
        y := numbers[base + 7];
        IF what = 3 THEN
            DELETE FROM {schema}.counter t WHERE t.name = names[i];
            CONTINUE;
        END IF;
        LOOP
            SELECT t.kind, t.state, t.previous, t.current, t.log
            INTO found_kind, found_state, found_previous, found_current, found_log
            FROM {schema}.counter t WHERE t.name = names[i];
            found_row := FOUND;
            -- Of what is not there, nothing can be given back.
            EXIT WHEN NOT found_row AND (what <> 2 OR x = 0);
            IF found_row AND (found_kind <> kind_i OR found_state < 0) THEN
                foreign_at := i;
                EXIT;
            END IF;
            new_state := coalesce(found_state, 0);
            new_previous := coalesce(found_previous, 0);
            new_current := coalesce(found_current, 0);
            new_log := CASE WHEN kind_i = 5 THEN coalesce(found_log, '{}') END;

            IF what = 4 THEN
                EXIT WHEN found_state <> x;
                new_state := y;
            ELSIF kind_i = 1 THEN
                new_state := least(greatest(new_state - moment, 0), 2 * a_i * b_i);
                new_state := CASE WHEN what = 1 THEN greatest(moment + new_state - x, 0)
                    ELSE moment + least(new_state + least(x, y), y) END;
            ELSIF kind_i = 2 THEN
                new_state := greatest(new_state - moment, 0);
                y := greatest(numbers[base + 7], new_state);
                new_state := moment + CASE WHEN x > y - new_state THEN y ELSE new_state + x END;
            ELSIF kind_i = 3 THEN
                IF what = 2 THEN
                    new_state := greatest(new_state, moment / a_i * b_i);
                    new_state := least(new_state + x,
                        greatest((moment / a_i + 2) * b_i, new_state));
                ELSIF y / a_i = moment / a_i THEN
                    new_state := greatest(new_state - x, 0);
                END IF;
            ELSIF kind_i = 4 THEN
                new_previous := {schema}.rolled_previous(
                    a_i, moment, new_state, new_previous, new_current);
                new_current := {schema}.rolled_current(a_i, moment, new_state, new_current);
                new_state := {schema}.rolled_window(a_i, moment, new_state);
                IF what = 2 THEN
                    new_current := least(new_current + x, y);
                ELSIF y / a_i = new_state THEN
                    new_current := greatest(new_current - x, 0);
                ELSIF y / a_i = new_state - 1 THEN
                    new_previous := greatest(new_previous - x, 0);
                END IF;
            ELSIF kind_i = 5 AND what = 2 THEN
                new_log := new_log[{schema}.expired(a_i, moment, new_log) + 1:];
                new_log := new_log || array_fill(
                    greatest(moment, found_log[cardinality(found_log)]),
                    ARRAY[least(x, greatest(y - cardinality(new_log), 0))::int]);
            ELSE
                tail := width_bucket(y, new_log);
                head := greatest(tail - x, 0);
                new_log := new_log[:head] || new_log[tail + 1:];
            END IF;

            EXIT WHEN found_row AND new_state = found_state AND new_previous = found_previous
                AND new_current = found_current AND new_log IS NOT DISTINCT FROM found_log;
            new_expires := now_ns - moment + {schema}.recovered(
                kind_i, a_i, b_i, new_state, new_previous, new_current, new_log);
            IF found_row THEN
                UPDATE {schema}.counter t
                SET state = new_state, previous = new_previous, current = new_current,
                    log = new_log, expires_at = new_expires
                WHERE t.name = names[i] AND t.state = found_state
                    AND t.previous = found_previous AND t.current = found_current
                    AND t.log IS NOT DISTINCT FROM found_log;
            ELSE
                INSERT INTO {schema}.counter VALUES (names[i], kind_i, new_state,
                    new_previous, new_current, new_log, new_expires)
                ON CONFLICT DO NOTHING;
            END IF;
            EXIT WHEN FOUND;
        END LOOP;
    END LOOP;
    RETURN foreign_at;
END
$tidegate$;
