"""A fit by csk: fit_csk.py MODEL FILE; tells its CPU seconds from the opened file to the answer."""

import json
import sys
import time

import numpy as np

from csk.stats import bgnbd, gammagamma, paretonbd

NAMES = {"bg_nbd": "r alpha a b", "pareto_nbd": "r alpha s beta", "gamma_gamma": "p q gamma"}
model, path = sys.argv[1:]
began = time.process_time()
table = np.load(path)
if model == "gamma_gamma":
    fitted = gammagamma.fit(table["x"], table["spend"])
else:
    fit = {"bg_nbd": bgnbd.fit, "pareto_nbd": paretonbd.fit}[model]
    fitted = fit(table["x"], table["t_x"], table["T"])
cpu = time.process_time() - began
assert fitted.is_converged
print(json.dumps({"cpu": cpu, "answer": [getattr(fitted, name) for name in NAMES[model].split()]}))
