"""What people write by hand in pandas: bare_pandas.py FILE, a CSV of payments."""

import json
import sys

import pandas as pd

payments = pd.read_csv(sys.argv[1], parse_dates=["paid_on"])
found = payments.groupby("customer_id").agg(
    n=("payment_id", "size"),
    amount=("amount", "sum"),
    first=("paid_on", "min"),
    last=("paid_on", "max"),
)
days = [str(found["first"].min().date()), str(found["last"].max().date())]
print(json.dumps({"answer": [len(found), float(found["amount"].sum()), *days]}))
