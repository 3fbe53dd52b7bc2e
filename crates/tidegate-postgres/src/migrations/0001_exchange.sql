-- Decides asks, in order, and takes what they cost.
--
-- numbers holds, for each ask: how many counters, and how many requests are wanted (0 to look
-- only); then for each of its counters: kind, cost, a, b, and the time to decide by, -1 for the
-- server's. names holds the counters' names in the same order.
--
-- Answers the server's time, then for each ask what decide_one answers.
--
-- Never by a sequential scan: a plan that was made for a small table lives on in one that has
-- grown.
CREATE OR REPLACE FUNCTION {schema}.decide(names text[], numbers bigint[]) RETURNS bigint[]
LANGUAGE plpgsql VOLATILE SET enable_seqscan = off
AS $tidegate$
DECLARE
    now_ns bigint := {schema}.clock();
    answers bigint[] := ARRAY[now_ns];
    -- Where the ask's numbers, and its names, begin.
    base int := 0;
    first_name int := 1;
    numbers_end int := cardinality(numbers);
    counters int;
    wanted bigint;
    moment bigint;
    price bigint;
    latest bigint;
    new_state bigint;
BEGIN
    WHILE base < numbers_end LOOP
        counters := numbers[base + 1];
        wanted := numbers[base + 2];
        -- The most frequent ask, in one statement instead of two: all that is wanted of one
        -- GCRA. The division keeps the product within 64 bits.
        IF counters = 1 AND numbers[base + 3] = 1 AND numbers[base + 4] > 0 AND wanted > 0
            AND wanted <= numbers[base + 6] / numbers[base + 4]
        THEN
            moment := numbers[base + 7];
            IF moment < 0 THEN moment := now_ns; END IF;
            price := wanted * numbers[base + 4] * numbers[base + 5];
            latest := moment + numbers[base + 5] * numbers[base + 6] - price;
            UPDATE {schema}.counter t
            SET state = greatest(t.state, moment) + price,
                expires_at = greatest(t.state, moment) + price + now_ns - moment
            WHERE t.name = names[first_name] AND t.state <= latest
                AND t.kind = 1 AND t.state >= 0
            RETURNING t.state INTO new_state;
            IF FOUND THEN
                answers := answers || ARRAY[wanted, new_state - price];
                base := base + 7;
                first_name := first_name + 1;
                CONTINUE;
            END IF;
        END IF;
        answers := answers || {schema}.decide_one(
            names[first_name:first_name + counters - 1],
            numbers[base + 2:base + 2 + 5 * counters], now_ns);
        base := base + 2 + 5 * counters;
        first_name := first_name + counters;
    END LOOP;
    RETURN answers;
END
$tidegate$;
