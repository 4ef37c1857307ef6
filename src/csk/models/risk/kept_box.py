"""The arrays of a glass box as tables: a row for each coefficient, a row for each pair of them.

One rule: a row says in words what its number is, and the words are checked when it is read.
"""

from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from csk.errors import DataError
from csk.models.risk.glass import GlassBox, faded
from csk.models.risk.leads import BASE

Floats = NDArray[np.float64]

COEFFICIENTS_SCHEMA: Final = {
    "cause": pl.Int64,
    "position": pl.Int64,
    "part": pl.String,
    "feature": pl.String,
    "kind": pl.String,
    "level": pl.String,
    "coefficient": pl.Float64,
    "std_error": pl.Float64,
}
COVARIANCE_SCHEMA: Final = {"row": pl.Int64, "column": pl.Int64, "covariance": pl.Float64}
"""Numbers of rows of the coefficients, from 0: cause by cause."""


class _Name(NamedTuple):
    part: str
    """`lead` for what every bin has, `level` for a column, `fade` for its change with the lead."""
    feature: str
    kind: str
    level: str


def box_tables(box: GlassBox) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the coefficients with their standard errors, and their covariance, as tables."""
    names = _names(box)
    size = len(names)
    n = len(box.causes) * size
    coefficients = pl.DataFrame(
        {
            "cause": np.repeat(np.array(box.causes, np.int64), size),
            "position": np.tile(np.arange(size, dtype=np.int64), len(box.causes)),
            **{
                field: [name[at] for _ in box.causes for name in names]
                for at, field in enumerate(_Name._fields)
            },
            "coefficient": box.coefficients.ravel(),
            "std_error": np.sqrt(np.diag(box.covariance)),
        },
        schema=COEFFICIENTS_SCHEMA,
    )
    covariance = pl.DataFrame(
        {
            "row": np.repeat(np.arange(n, dtype=np.int64), n),
            "column": np.tile(np.arange(n, dtype=np.int64), n),
            "covariance": box.covariance.ravel(),
        },
        schema=COVARIANCE_SCHEMA,
    )
    return coefficients, covariance


def arrays(
    box: GlassBox, coefficients: pl.DataFrame, covariance: pl.DataFrame
) -> tuple[Floats, Floats]:
    """Return coefficients and covariance as a glass box has them; `box` has all but these.

    DataError where there are too few or too many, or one is null.
    """
    size = len(_names(box))
    n = len(box.causes) * size
    if coefficients.height != n or covariance.height != n * n:
        raise DataError(
            f"The glass box has {n} coefficients; {coefficients.height:,} are kept, with "
            f"{covariance.height:,} covariances."
        )
    values, shared = coefficients["coefficient"], covariance["covariance"]
    if values.null_count() or shared.null_count():
        raise DataError("A coefficient of the model, or a covariance, is null.")
    return (
        values.to_numpy().reshape(len(box.causes), size).copy(),
        shared.to_numpy().reshape(n, n).copy(),
    )


def _names(box: GlassBox) -> list[_Name]:
    columns = box.recipe.columns
    own = [
        *(_Name("lead", name, "", "") for name in BASE),
        *(_Name("lead", "bin", "", f"{edge}d") for edge in box.edges),
    ]
    of = [(one.feature, one.kind, one.level) for one in columns]
    fading = [of[at] for at in faded(box.recipe)]
    return [*own, *(_Name("level", *one) for one in of), *(_Name("fade", *one) for one in fading)]
