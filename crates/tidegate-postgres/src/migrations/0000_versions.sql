-- Which versions of the schema have been made. Only whoever makes the schema needs the right
-- to make one.
DO $tidegate$
BEGIN
    IF to_regnamespace({schema_text}) IS NULL THEN
        CREATE SCHEMA {schema};
    END IF;
END
$tidegate$;
CREATE TABLE IF NOT EXISTS {schema}.migration (
    version int PRIMARY KEY,
    made_at timestamptz NOT NULL DEFAULT now()
);
DO $tidegate$
BEGIN
    IF (SELECT max(version) FROM {schema}.migration) > {version} THEN
        RAISE EXCEPTION 'the schema is newer than this version of tidegate';
    END IF;
END
$tidegate$;
