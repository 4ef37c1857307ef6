"""What bare_polars.py does, in DuckDB on as many threads as there are cores: FILE, a CSV."""

import json
import os
import sys

import duckdb
import pyarrow.compute as pc

connection = duckdb.connect(config={"threads": os.cpu_count() or 1})
found = connection.sql(
    """
    select customer_id, count(*) as n, sum(amount) as amount,
        min(paid_on) as first, max(paid_on) as last
    from read_csv(?, columns = {
        'payment_id': 'varchar', 'customer_id': 'varchar', 'paid_on': 'date',
        'amount': 'decimal(18, 4)'})
    group by customer_id
    """,
    params=[sys.argv[1]],
).to_arrow_table()
days = [str(pc.min(found["first"])), str(pc.max(found["last"]))]
print(json.dumps({"answer": [found.num_rows, float(pc.sum(found["amount"]).as_py()), *days]}))
