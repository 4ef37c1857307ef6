"""A fit by lifetimes: fit_lifetimes.py MODEL FILE; tells its CPU seconds as fit_csk.py does."""

import json
import sys
import time
import warnings

import numpy as np
from lifetimes import BetaGeoFitter, GammaGammaFitter, ParetoNBDFitter

warnings.simplefilter("ignore")
NAMES = {"bg_nbd": "r alpha a b", "pareto_nbd": "r alpha s beta", "gamma_gamma": "p q v"}
model, path = sys.argv[1:]
began = time.process_time()
table = np.load(path)
if model == "gamma_gamma":
    buys = table["x"] > 0
    fitted = GammaGammaFitter().fit(table["x"][buys], table["spend"][buys])
else:
    fitter = {"bg_nbd": BetaGeoFitter, "pareto_nbd": ParetoNBDFitter}[model]()
    fitted = fitter.fit(table["x"], table["t_x"], table["T"])
cpu = time.process_time() - began
answer = [float(fitted.params_[name]) for name in NAMES[model].split()]
print(json.dumps({"cpu": cpu, "answer": answer}))
