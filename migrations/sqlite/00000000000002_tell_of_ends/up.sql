-- Nothing to do: processes that share a file look at its version. PostgreSQL tells its nodes.
SELECT 1;
