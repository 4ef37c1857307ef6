"""Write scikit_survival.json: figures of scikit-survival (GPL), which csk neither has nor needs.

Run where scikit-survival is installed: python tests/parity/scikit_survival.py
"""

import json
from pathlib import Path

import numpy as np
import sksurv
from sksurv.metrics import (
    brier_score,
    concordance_index_censored,
    concordance_index_ipcw,
    integrated_brier_score,
)
from sksurv.util import Surv

HORIZONS = [20.0, 50.0, 90.0]


def fixture(seed: int, n: int) -> dict[str, list[float]]:
    """Draw customers of whom no two times are alike, and some scores are."""
    rng = np.random.default_rng(seed)
    score = np.round(rng.normal(size=n), 1)
    gone, lost = rng.exponential(80 * np.exp(-score)), rng.uniform(5, 200, n)
    time = np.round(np.minimum(gone, lost), 6)
    chance = 1 - np.exp(-np.outer(np.exp(0.8 * score) / 70, HORIZONS))
    return {
        "score": score.tolist(),
        "time": time.tolist(),
        "event": (gone <= lost).astype(int).tolist(),
        "chance": np.round(chance, 6).tolist(),
    }


def figures(rows: dict[str, list[float]]) -> dict[str, object]:
    """Return what scikit-survival says of the rows."""
    score, time, event = (np.array(rows[name]) for name in ("score", "time", "event"))
    y, stays = Surv.from_arrays(event.astype(bool), time), 1 - np.array(rows["chance"])
    return {
        "brier": brier_score(y, y, stays, HORIZONS)[1].tolist(),
        "ibs": float(integrated_brier_score(y, y, stays, HORIZONS)),
        "harrell": float(concordance_index_censored(event.astype(bool), time, score)[0]),
        "uno": [float(concordance_index_ipcw(y, y, score, h)[0]) for h in HORIZONS],
    }


if __name__ == "__main__":
    fixtures = [fixture(seed, n) for seed, n in ((1, 40), (2, 80), (3, 150))]
    written = {
        "source": f"scikit-survival {sksurv.__version__}",
        "horizons": HORIZONS,
        "fixtures": [{**rows, "figures": figures(rows)} for rows in fixtures],
    }
    target = Path(__file__).with_suffix(".json")
    target.write_text(json.dumps(written, separators=(",", ":")) + "\n", encoding="utf-8")
