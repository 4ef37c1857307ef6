"""Cox's regression by lifelines, ties as by Efron: cox_lifelines.py FILE."""

import json
import sys
import time

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter

began = time.process_time()
of = np.load(sys.argv[1])
columns = [f"x{k}" for k in range(of["design"].shape[1])]
rows = pd.DataFrame(of["design"], columns=columns).assign(exit=of["exit"], left=of["left"])
fitted = CoxPHFitter().fit(rows, "exit", "left")
cpu = time.process_time() - began
print(json.dumps({"cpu": cpu, "answer": fitted.params_.tolist()}))
