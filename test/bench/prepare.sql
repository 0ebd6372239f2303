-- The first ten digits of an id made now: milliseconds in base 32, as
-- redline.NewID writes them, so that what pgbench writes falls into the same
-- places of the indexes as what the server writes.
CREATE FUNCTION bench_time() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    digits constant text := '0123456789abcdefghjkmnpqrstvwxyz';
    ms constant bigint := extract(epoch FROM clock_timestamp()) * 1000;
BEGIN
    RETURN substr(digits, (ms >> 45 & 31)::int + 1, 1) || substr(digits, (ms >> 40 & 31)::int + 1, 1)
        || substr(digits, (ms >> 35 & 31)::int + 1, 1) || substr(digits, (ms >> 30 & 31)::int + 1, 1)
        || substr(digits, (ms >> 25 & 31)::int + 1, 1) || substr(digits, (ms >> 20 & 31)::int + 1, 1)
        || substr(digits, (ms >> 15 & 31)::int + 1, 1) || substr(digits, (ms >> 10 & 31)::int + 1, 1)
        || substr(digits, (ms >> 5 & 31)::int + 1, 1) || substr(digits, (ms & 31)::int + 1, 1);
END $$;
