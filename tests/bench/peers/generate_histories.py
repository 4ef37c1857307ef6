"""Purchase histories of customers who buy by a known law: generate_histories.py N FILE LAW UNIT.

One rule: purchases fall on days of two years; `UNIT` days are one unit of time, and purchases of
one unit are one. LAW is bg_nbd or pareto_nbd. Writes x, t_x, T and the mean spend (0
for x = 0), as .npz or .parquet by the name of FILE.
"""

import sys
from pathlib import Path

import numpy as np
import polars as pl

DAYS = 728
BLOCK = 1_000_000
SHARES = (6.0, 4.0, 60.0)
"""Gamma-gamma: p, q, gamma."""


def histories(n: int, law: str, unit: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Return x, t_x, T and mean spend of `n` customers who were first seen on any day."""
    rate = rng.gamma(0.8, 1 / 75.0, n)
    if law == "bg_nbd":
        most, life = rng.geometric(np.clip(rng.beta(0.8, 2.5, n), 1e-6, 1.0)), np.full(n, np.inf)
    else:
        most, life = np.full(n, DAYS), rng.exponential(1 / rng.gamma(0.6, 1 / 80.0, n))
    seen = rng.integers(1, DAYS + 1, n)
    until = np.minimum(seen, life)
    x, t_x, clock = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n)
    going, bought = np.arange(n), 0
    while len(going):
        clock[going] += rng.exponential(1 / rate[going])
        going = going[(clock[going] < until[going]) & (bought < most[going])]
        at = (clock[going] / unit).astype(np.int64)
        x[going] += at > t_x[going]
        t_x[going] = at
        bought += 1
    p, q, gamma = SHARES
    own = rng.gamma(q, 1 / gamma, n)
    spend = np.where(x > 0, rng.gamma(p * np.maximum(x, 1), 1 / own) / np.maximum(x, 1), 0.0)
    return [x, t_x, seen // unit, np.round(spend, 2)]


def main() -> None:
    """Write the file."""
    n, target, law, unit = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    rng = np.random.default_rng(20_260_101)
    blocks = [histories(min(BLOCK, n - at), law, unit, rng) for at in range(0, n, BLOCK)]
    x, t_x, T, spend = (np.concatenate(column) for column in zip(*blocks, strict=True))
    whole = {"x": x.astype(np.int32), "t_x": t_x.astype(np.int32), "T": T.astype(np.int32)}
    if target.suffix == ".parquet":
        pl.DataFrame({**whole, "spend": spend}).write_parquet(target)
    else:
        np.savez(target, **whole, spend=spend)


if __name__ == "__main__":
    main()
