"""Poisson bootstrap of BG/NBD, every refit begun at the fit of all: refit_csk.py FILE REFITS.

The weights of the cells are drawn anew, the cells stay: customers of one history are alike.
"""

import json
import sys
import time

import numpy as np

from csk.stats import bgnbd
from csk.stats.likelihood import maximum

path, n_refits = sys.argv[1], int(sys.argv[2])
began = time.process_time()
table = np.load(path)
cells = bgnbd.cells(table["x"], table["t_x"], table["T"])
whole = bgnbd.fit(*cells[:4])
start = np.log([whole.r, whole.alpha, whole.a, whole.b])
rng = np.random.default_rng(20_180)
drawn = []
for _ in range(n_refits):
    weighted = cells._replace(weight=rng.poisson(cells.weight).astype(np.float64))
    refit = maximum(bgnbd.objective(weighted), start, start - 5.0, start + 5.0)
    assert refit.is_converged
    drawn.append(refit.theta)
cpu = time.process_time() - began
# Standard errors of the logarithms: drawn, and by the information of the fit.
spread = np.std(drawn, axis=0, ddof=1) / np.sqrt(np.diag(whole.covariance))
print(json.dumps({"cpu": cpu, "n_cells": len(cells.x), "answer": spread.tolist()}))
