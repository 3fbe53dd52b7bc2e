-- The formulas of tidegate-core, in whole numbers.
--
-- kind, a and b are a limit: 1 GCRA (emission interval, burst), 2 leaky queue (emission
-- interval, longest wait), 3 to 5 the windows (period, limit). moment is when, state,
-- previous, current and log are the row. Each body is one expression, which PostgreSQL puts in
-- the place of the call.

-- The server's time, in nanoseconds since 1970; it has microseconds.
CREATE OR REPLACE FUNCTION {schema}.clock() RETURNS bigint LANGUAGE sql VOLATILE AS $tidegate$
    SELECT (extract(epoch FROM pg_catalog.clock_timestamp()) * 1000000)::bigint * 1000
$tidegate$;

-- The newest window: the one of the moment, or a later one when the clock went back.
CREATE OR REPLACE FUNCTION {schema}.rolled_window(a bigint, moment bigint, state bigint)
RETURNS bigint LANGUAGE sql IMMUTABLE AS $tidegate$
    SELECT greatest(moment / a, state)
$tidegate$;

-- Units of the window before the newest.
CREATE OR REPLACE FUNCTION {schema}.rolled_previous(
    a bigint, moment bigint, state bigint, previous bigint, current bigint
) RETURNS bigint LANGUAGE sql IMMUTABLE AS $tidegate$
    SELECT CASE WHEN moment / a <= state THEN previous
                WHEN moment / a = state + 1 THEN current ELSE 0 END
$tidegate$;

-- Units of the newest window.
CREATE OR REPLACE FUNCTION {schema}.rolled_current(
    a bigint, moment bigint, state bigint, current bigint
) RETURNS bigint LANGUAGE sql IMMUTABLE AS $tidegate$
    SELECT CASE WHEN moment / a <= state THEN current ELSE 0 END
$tidegate$;

-- How many units of the window before are in view, rounded up. Beyond 64 bits on the way.
CREATE OR REPLACE FUNCTION {schema}.in_view(a bigint, moment bigint, state bigint, previous bigint)
RETURNS bigint LANGUAGE sql IMMUTABLE AS $tidegate$
    SELECT CASE WHEN previous = 0 THEN 0
        ELSE div(previous::numeric * (a - greatest(moment - state * a, 0)) + a - 1, a)::bigint END
$tidegate$;

-- How many of the oldest entries no longer count.
CREATE OR REPLACE FUNCTION {schema}.expired(a bigint, moment bigint, log bigint[])
RETURNS bigint LANGUAGE sql IMMUTABLE AS $tidegate$
    SELECT width_bucket(moment - a, log)::bigint
$tidegate$;

-- Units that can be taken; negative in debt. For a queue: the units after which the next one
-- would have to wait for too long.
CREATE OR REPLACE FUNCTION {schema}.spare(
    kind bigint, cost bigint, a bigint, b bigint, moment bigint,
    state bigint, previous bigint, current bigint, log bigint[]
) RETURNS bigint LANGUAGE sql IMMUTABLE AS $tidegate$
    SELECT CASE kind
        WHEN 1 THEN CASE WHEN state - moment > a * b THEN -1
            ELSE (a * b - greatest(state - moment, 0)) / a END
        WHEN 2 THEN CASE WHEN state - moment > b THEN -1
            ELSE (b - greatest(state - moment, 0)) / a + cost END
        WHEN 3 THEN (moment / a + 1) * b - greatest(state, moment / a * b)
        WHEN 4 THEN b - {schema}.rolled_current(a, moment, state, current)
            - {schema}.in_view(a, moment, {schema}.rolled_window(a, moment, state),
                {schema}.rolled_previous(a, moment, state, previous, current))
        WHEN 5 THEN b - cardinality(log) + {schema}.expired(a, moment, log)
    END
$tidegate$;

-- The state when units that fit have been taken.
CREATE OR REPLACE FUNCTION {schema}.taken(
    kind bigint, a bigint, b bigint, moment bigint, state bigint, units bigint
) RETURNS bigint LANGUAGE sql IMMUTABLE AS $tidegate$
    SELECT CASE kind
        WHEN 1 THEN greatest(state, moment) + units * a
        WHEN 2 THEN greatest(state, moment) + units * a
        WHEN 3 THEN greatest(state, moment / a * b) + units
        WHEN 4 THEN {schema}.rolled_window(a, moment, state)
        ELSE state
    END
$tidegate$;

-- When the row is as if it had never been, on the timeline of the moment.
CREATE OR REPLACE FUNCTION {schema}.recovered(
    kind bigint, a bigint, b bigint, state bigint, previous bigint, current bigint, log bigint[]
) RETURNS bigint LANGUAGE sql IMMUTABLE AS $tidegate$
    SELECT CASE kind
        WHEN 3 THEN (state + b - 1) / b * a
        WHEN 4 THEN CASE WHEN current > 0 THEN (state + 2) * a
            WHEN previous > 0 THEN (state + 1) * a ELSE 0 END
        WHEN 5 THEN coalesce(log[cardinality(log)] + a, 0)
        ELSE state
    END
$tidegate$;
