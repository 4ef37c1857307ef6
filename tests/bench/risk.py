"""What scoring costs: chances, reasons and bounds of many customers, beside reading their features.

One rule: a row is a ratio of processor seconds of one run; the panel is that of a simulated
company, repeated until it is as long as asked.

    python tests/bench/risk.py --customers 1000000 [--shap OTHER/bin/python]

SHAP stands in an environment of its own (shap, scikit-learn): it needs a newer NumPy than the
other peers work on.
"""

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from measuring import PEERS

from csk.engine.local import LocalEngine
from csk.models.risk import design, glass, trees
from csk.models.risk.curve import shares_of_bins
from csk.models.risk.fitting import candidate
from csk.models.risk.glass import GlassBox
from csk.models.risk.leads import fading
from csk.models.risk.reasons import reasons
from csk.models.risk.stacked import edges_with
from csk.models.risk.verdict import GLASS, TREES
from csk.simulation.company import Company, write_company

MAIN: Final = 90


def panel_of(folder: Path, customers: int) -> pl.DataFrame:
    """Return the panel of a simulated company, as the command reads it."""
    from csk.analyses import churn_risk
    from csk.cli.session import configured, opened_book
    from csk.tables.landmarks import landmark_days

    write_company(Company("subscription", customers, 24, 3), folder)
    settings = configured({"paths": [str(folder)]}, None)
    with opened_book([str(folder)], settings, quiet=True) as session:
        span = session.book.span
        days = landmark_days(span.data_from, span.as_of)
        known = churn_risk._known(session.book, LocalEngine(), settings, days)
        what = (days, edges_with(settings.risk_horizon), known)
        return churn_risk._panel(session.book, LocalEngine(), settings, what, 1.0)


def seconds(step: Callable[[], object]) -> float:
    """Return the processor seconds of a step."""
    begun = time.process_time()
    step()
    return time.process_time() - begun


def shap(python: Path, box: GlassBox, panel: pl.DataFrame, many: pl.DataFrame) -> None:
    """Print what SHAP takes to explain the same model, by explainer, reckoned up to all rows."""
    level, fade = glass.effects(box)
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "model.npz"
        np.savez(
            file,
            columns=design.matrix(box.recipe, many).T,
            level=level,
            fade=fade,
            ahead=box.ahead,
            within=shares_of_bins(box.edges, MAIN),
            u=fading(box.edges),
            past=design.matrix(box.recipe, panel).T,
            left=(panel["end_in_days"] < MAIN).fill_null(value=False).to_numpy(),
        )
        peer = PEERS / "reasons_shap.py"
        said = subprocess.run([python, peer, file], check=True, capture_output=True, text=True)
    for line in said.stdout.splitlines():
        one = json.loads(line)
        whole = one["cpu"] * many.height / one["rows"]
        print(f"| SHAP, {one['explainer']} ({one['rows']:,} rows asked) | {whole:,.1f} | |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--shap", type=Path, help="a Python that has shap and scikit-learn")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        panel = panel_of(Path(place) / "company", 5_000)
        as_of, edges = panel["landmark_on"].max(), edges_with((30, 90, 365))
        box = candidate(panel, edges, as_of, GLASS)
        forest = candidate(panel, edges, as_of, TREES)
        last = panel.filter(pl.col("landmark_on") == as_of)
        many = pl.concat([last] * -(-wanted.customers // last.height)).head(wanted.customers)
        file = Path(place) / "features.parquet"
        many.write_parquet(file)
        read = seconds(lambda: pl.read_parquet(file))
        rows = {
            "reading their features from Parquet": read,
            "glass box: hazards": seconds(lambda: glass.hazards(box.fitted, many)),
            "glass box: reasons": seconds(lambda: reasons(box.fitted, many, MAIN)),
            "glass box: bounds": seconds(lambda: glass.interval(box.fitted, many, MAIN)),
            "trees: hazards": seconds(lambda: trees.hazards(forest.fitted, many)),
        }
        print(f"{wanted.customers:,} customers, {many.width} columns, {len(edges)} bins ahead")
        for name, cost in rows.items():
            print(f"| {name} | {cost:.1f} | {cost / read:.1f} |")
        if wanted.shap and isinstance(box.fitted, GlassBox):
            shap(wanted.shap, box.fitted, panel, many)


if __name__ == "__main__":
    main()
