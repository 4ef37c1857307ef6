"""Spells with covariates, all watched from age 0: generate_cox.py ROWS FILE, an .npz.

Seeded: two marks and two measures move a Weibull hazard; ages are whole days, so many leave at
the same one; half are still there at the end.
"""

import sys

import numpy as np

n, target = int(sys.argv[1]), sys.argv[2]
rng = np.random.default_rng(20_260_106)
design = np.column_stack([rng.random((n, 2)) < (0.3, 0.5), rng.normal(0.0, 1.0, (n, 2))]) * 1.0
faster = np.exp(design @ np.array([0.5, -0.4, 0.3, 0.0]))
ends = 1 + (1_000 * (rng.exponential(1.0, n) / faster) ** (1 / 0.8)).astype(np.int64)
watched = rng.integers(30, 1_500, n)
np.savez(target, exit=np.minimum(ends, watched), left=ends <= watched, design=design)
