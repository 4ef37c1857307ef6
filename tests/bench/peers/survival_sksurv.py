"""Kaplan-Meier of spells by scikit-survival: survival_sksurv.py FILE ENTRY, FILE an .npz."""

import json
import sys
import time

import numpy as np
from sksurv.nonparametric import kaplan_meier_estimator

began = time.process_time()
spells = np.load(sys.argv[1])
late = {"time_enter": spells["entry"]} if sys.argv[2] == "late" else {}
ages, curve = kaplan_meier_estimator(spells["left"], spells["exit"], **late)
cpu = time.process_time() - began
at = np.searchsorted(ages, [31, 372, 744], side="right") - 1
print(json.dumps({"cpu": cpu, "answer": curve[at].tolist()}))
