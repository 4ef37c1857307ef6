"""What no program can leave out: limit.py KIND FILE...

`bytes` reads them, `text` has Polars parse all columns of a CSV as text, `columns` has Polars read
those of Parquet, `counts` has NumPy read those of an .npz. Nothing is done with what was read.
"""

import json
import sys
import time

kind, *paths = sys.argv[1:]
if kind == "bytes":
    n_read = 0
    buffer = bytearray(4 << 20)
    for path in paths:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 # no more than the bytes
            while n := file.readinto(buffer):
                n_read += n
    print(json.dumps({"bytes": n_read}))
elif kind == "counts":
    import numpy as np

    began = time.process_time()
    n_values = sum(values.size for path in paths for values in np.load(path).values())
    print(json.dumps({"values": n_values, "cpu": time.process_time() - began}))
else:
    import polars as pl

    began = time.process_time()
    rows = pl.scan_csv(paths, infer_schema=False) if kind == "text" else pl.scan_parquet(paths)
    # Counting what is not null asks for every value, and for nothing more.
    n_values = rows.select(pl.all().count()).collect(engine="streaming").sum_horizontal().item()
    cpu = {"cpu": time.process_time() - began} if kind == "spells" else {}
    print(json.dumps({"values": n_values} | cpu))
