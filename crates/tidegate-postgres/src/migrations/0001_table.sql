-- Where counters are kept.
--
-- In every file here, names in braces are filled in: the quoted name of the schema, and
-- UNLOGGED or nothing. All statements may be run again.
--
-- Nothing but the name is indexed, and pages are filled by half: so an update stays on its
-- page and touches no index (HOT).
CREATE {unlogged} TABLE IF NOT EXISTS {schema}.counter (
    -- What tidegate calls the counter: {SUBJECT}:RULE:TAG, in ASCII.
    name text COLLATE "C" PRIMARY KEY,
    -- How it counts: 1 GCRA, 2 leaky queue, 3 fixed window, 4 sliding window counter,
    -- 5 sliding window log.
    kind smallint NOT NULL,
    -- 1 and 2: a point in time, in nanoseconds since 1970. 3: index of the window × limit +
    -- units used. 4: index of the window.
    state bigint NOT NULL,
    -- 4: units of the window before.
    previous bigint NOT NULL DEFAULT 0,
    -- 4: units of the window.
    current bigint NOT NULL DEFAULT 0,
    -- 5: when units were admitted, oldest first, in nanoseconds since 1970.
    log bigint[],
    -- When the row is as good as none, by the server's clock, in nanoseconds since 1970.
    expires_at bigint NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
