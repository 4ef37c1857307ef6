"""Cox's regression by csk, ties as by Efron: cox_csk.py FILE."""

import json
import sys
import time

import numpy as np

from csk.stats.cox import Spells, fit

began = time.process_time()
of = np.load(sys.argv[1])
exits = of["exit"].astype(np.float64)
fitted = fit(Spells(np.zeros(len(exits)), exits, of["left"], of["design"]))
cpu = time.process_time() - began
print(json.dumps({"cpu": cpu, "answer": fitted.coefficients.tolist()}))
