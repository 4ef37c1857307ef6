"""What bare_events.py does, in DuckDB on as many threads as there are cores: FILE."""

import json
import os
import sys

import duckdb
import pyarrow.compute as pc

connection = duckdb.connect(config={"threads": os.cpu_count() or 1})
found = connection.sql(
    """
    select customer_id, used_at::date as used_on, feature, count(*) as n, sum(quantity) as n_used
    from read_csv(?, columns = {
        'customer_id': 'varchar', 'used_at': 'timestamp', 'feature': 'varchar',
        'quantity': 'bigint'})
    group by all
    """,
    params=[sys.argv[1]],
).to_arrow_table()
sums = [int(pc.sum(found[name]).as_py()) for name in ("n", "n_used")]
print(json.dumps({"answer": [found.num_rows, *sums]}))
