"""By which process the customers of a shop buy: all that are known, on all that is known.

One rule: likelihoods are of the same purchase days, so that they compare; what each process
foretells is held against what came by the backtest.
"""

from dataclasses import dataclass

import polars as pl

from csk.book import Book
from csk.engine.protocol import Engine, Tables
from csk.errors import ModelError
from csk.models.buying import Candidate, candidates, log_gaps_of
from csk.models.repeat import MAX_CELLS
from csk.stats import bgnbd
from csk.stats.regularity import Regularity, regularity
from csk.tables.purchases import gap_counts, gap_pairs, purchase_cells


@dataclass(frozen=True, slots=True)
class Processes:
    """The processes tried, and how regular purchases are."""

    tried: tuple[Candidate, ...]
    """Smallest AIC first."""
    n_buyers: int
    n_cells: int
    pooled_days: int
    """Days pooled into one for the fits; 1 = none."""
    regularity: Regularity | None
    """Null where too few customers have bought three times."""


def processes(book: Book, engine: Engine) -> Processes:
    """Fit every process to the buyers of a dated book; ModelError where nobody came back."""
    as_of = book.span.as_of
    key = ("n_purchases", "recency_days", "age_days")
    rows = engine.total(book, lambda tables: purchase_cells(tables, as_of), key)
    gaps = engine.total(book, lambda tables: gap_counts(tables, as_of), ("state", "days"))
    x, t_x, T = (rows[name].to_numpy() for name in key)
    unique = bgnbd.cells(x - 1, t_x, T, rows["n"].to_numpy(), MAX_CELLS)
    tried = candidates(unique, log_gaps=log_gaps_of(gaps))
    return Processes(
        tried=tuple(sorted(tried, key=lambda one: one.aic)),
        n_buyers=int(rows["n"].sum()),
        n_cells=len(unique.x),
        pooled_days=int(unique.unit),
        regularity=_regularity(book, engine),
    )


def _regularity(book: Book, engine: Engine) -> Regularity | None:
    def pairs(tables: Tables) -> pl.LazyFrame:
        return gap_pairs(tables, book.span.as_of)

    found = engine.total(book, pairs, ("earlier", "later"))
    earlier, later, n = (found[name].to_numpy() for name in ("earlier", "later", "n"))
    try:
        return regularity(earlier, later, n, step=1.0)
    except ModelError:
        return None
