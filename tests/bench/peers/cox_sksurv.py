"""Cox's regression by scikit-survival, ties as by Efron: cox_sksurv.py FILE."""

import json
import sys
import time

import numpy as np
from sksurv.linear_model import CoxPHSurvivalAnalysis
from sksurv.util import Surv

began = time.process_time()
of = np.load(sys.argv[1])
fitted = CoxPHSurvivalAnalysis(ties="efron").fit(
    of["design"], Surv.from_arrays(of["left"], of["exit"])
)
cpu = time.process_time() - began
print(json.dumps({"cpu": cpu, "answer": fitted.coef_.tolist()}))
