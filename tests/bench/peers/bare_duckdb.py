"""The same in DuckDB, on as many threads as there are cores."""

import os
import sys

import duckdb

connection = duckdb.connect(config={"threads": os.cpu_count() or 1})
rows = connection.execute(
    """
    select customer_id, count(*), sum(amount), min(paid_on), max(paid_on)
    from read_csv(?, columns = {
        'payment_id': 'varchar', 'customer_id': 'varchar', 'paid_on': 'date',
        'amount': 'decimal(18, 4)'})
    group by customer_id
    """,
    [sys.argv[1]],
).to_arrow_table()
print(rows.num_rows)
