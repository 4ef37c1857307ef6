"""A fit by clvkit: fit_clvkit.py MODEL FILE; tells its CPU seconds as fit_csk.py does."""

import json
import sys
import time
import warnings

import numpy as np
import pandas as pd
from clvkit import CustomerBase
from clvkit.clv import BGNBD, GammaGamma

warnings.simplefilter("ignore")
model, path = sys.argv[1:]
began = time.process_time()
table = np.load(path)
summary = pd.DataFrame(
    {
        "frequency": table["x"],
        "recency": table["t_x"],
        "T": table["T"],
        "monetary_value": table["spend"],
    }
)
customers = CustomerBase(
    summary,
    time_unit="W",
    observation_period_end=pd.Timestamp("2024-12-31"),
    has_monetary=True,
    on_negative="drop",
)
fitted = {"bg_nbd": BGNBD, "gamma_gamma": GammaGamma}[model]().fit(customers)
cpu = time.process_time() - began
print(json.dumps({"cpu": cpu, "answer": [float(value) for value in fitted.params_]}))
