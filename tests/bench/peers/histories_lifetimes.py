"""Order lines to (x, t_x, T) by lifetimes: histories_lifetimes.py FILE."""

import json
import sys
import time
import warnings

import pyarrow as pa
import pyarrow.parquet as pq
from lifetimes.utils import summary_data_from_transaction_data

warnings.simplefilter("ignore")
began = time.process_time()
table = pq.read_table(sys.argv[1], columns=["customer_id", "paid_on"])
# Without this every day would be an object of Python, and reading them the most of it.
days = table["paid_on"].cast(pa.timestamp("ns"))
payments = table.set_column(1, "paid_on", days).to_pandas()
found = summary_data_from_transaction_data(
    payments, "customer_id", "paid_on", observation_period_end="2024-12-31"
)
cpu = time.process_time() - began
sums = [len(found), *(int(found[name].sum()) for name in ("frequency", "recency", "T"))]
print(json.dumps({"cpu": cpu, "answer": sums}))
