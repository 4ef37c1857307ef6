-- Whom to call first, straight from the tables that `csk segment ... -o out/` leaves.
-- duckdb < examples/at_risk.sql   (with out/ beside it)
SELECT customer_id, plan, tier, lifecycle_stage,
       round(p_churn_90d, 3) AS p_churn_90d, value_at_risk
FROM read_parquet('out/fct_customer_snapshot/*/*.parquet', hive_partitioning = false)
WHERE as_of = (SELECT max(as_of) FROM read_parquet('out/fct_customer_snapshot/*/*.parquet', hive_partitioning = false))
  AND tier IN ('high-touch', 'low-touch')
ORDER BY value_at_risk DESC, customer_id
LIMIT 10;
