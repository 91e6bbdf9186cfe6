-- compatible-from: 5

-- Functions that run with their owner's rights look into the caller's temporary tables last: put
-- first, as it is unless named, a table of the caller's could stand in for one of ours.
-- https://www.postgresql.org/docs/current/sql-createfunction.html, "Writing SECURITY DEFINER
-- Functions Safely".
DO $$
DECLARE
    ours regprocedure;
BEGIN
    FOREACH ours IN ARRAY ARRAY['note_removal()', 'refuse_closed_key()']::regprocedure[] LOOP
        EXECUTE format(
            'ALTER FUNCTION %s SET search_path = %s, pg_temp', ours, current_setting('search_path')
        );
    END LOOP;
END
$$;
