"""Covariates: columns of customers as numbers that a model of leaving can be fitted to.

One rule: what cannot be told apart is left out by name, with its reason, never silently: a column
that does not vary, that says the same as another, that has too many values; a value that nobody
who has it left with.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from csk.errors import ModelError

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

USAGE: Final = "usage"
"""Covariate of things done in the first days; its numbers are in the column `n`."""
OTHERS: Final = "(others)"
"""Level of the values that too few left with to be told apart."""
ENOUGH_ENDS: Final = 5
"""Ends a value needs to be told apart from the others."""
MOST_LEVELS, MOST_VALUES = 12, 50
"""Values that are told apart, and values beyond which a column is none to compare by."""
_MANY_WITHOUT_END: Final = 30
_SAME: Final = 1e-6

Why = Literal["constant", "same", "many", "unknown", "separates", "alone"]


class Term(NamedTuple):
    """One column of the design."""

    covariate: str
    level: str
    """Empty for a number."""
    against: str
    """Level that it is compared with."""
    n: int
    """Contracts' stretches that have it, for a number all."""
    n_left: int


class LeftOut(NamedTuple):
    """A column or a value that is not in the model, and why."""

    covariate: str
    level: str
    why: Why
    n: int
    """Rows or values that this is about."""
    with_: tuple[str, ...] = ()
    """Covariates that it says the same as."""


@dataclass(frozen=True, slots=True)
class Design:
    """Numbers to fit to, of the rows that are kept."""

    matrix: Floats
    """(n kept, p)."""
    terms: tuple[Term, ...]
    references: tuple[Term, ...]
    """Levels that others are compared with."""
    keep: Flags
    """Which rows are kept."""
    left_out: tuple[LeftOut, ...]

    def columns(self, covariate: str) -> tuple[int, ...]:
        """Return the columns of a covariate."""
        return tuple(i for i, term in enumerate(self.terms) if term.covariate == covariate)

    @property
    def covariates(self) -> tuple[str, ...]:
        """Return the covariates that are in it, in order."""
        return tuple(dict.fromkeys(term.covariate for term in self.terms))


class _Block(NamedTuple):
    """The columns of one covariate, before rows are dropped."""

    matrix: Floats
    terms: tuple[Term, ...]
    references: tuple[Term, ...]


def design(
    rows: pl.DataFrame, covariates: Sequence[str], stratum: NDArray[np.int64], *, is_asked: bool
) -> Design:
    """Return the design of covariates, each value against the most common one of its strata.

    `rows` has a column for each covariate (`n` for usage) and `cause`. Usage counts in doublings:
    log2(1 + n). ModelError where nothing can be told apart, or where a covariate that was asked
    for by name cannot be.
    """
    left = (rows["cause"] > 0).to_numpy()
    keep, left_out = np.ones(len(rows), bool), []
    levels: dict[str, pl.Series] = {}
    # Usage first: its rows that are not known leave fewer ends to the values of the others.
    for name in sorted(covariates, key=lambda name: name != USAGE):
        found, refused = _usable(rows, name, left, keep)
        left_out += refused
        if found is not None:
            levels[name] = found
            keep &= ~found.is_null().to_numpy()
    blocks = []
    for name, values in ((name, levels[name]) for name in covariates if name in levels):
        block = _block(name, values, left, keep, stratum)
        blocks.append(block._replace(matrix=block.matrix[keep]))
        left_out += [
            LeftOut(name, t.level, "alone", t.n) for t in block.references if not t.against
        ]
    kept, same = _independent(blocks, stratum[keep])
    left_out += same
    if is_asked and (bad := [one for one in left_out if one.why in _REFUSED]):
        raise ModelError(
            "Some covariates cannot be in the model.", details=[_sentence(one) for one in bad]
        )
    if not kept:
        raise ModelError(
            "No covariate varies among the contracts, so none can explain who leaves.",
            details=[_sentence(one) for one in left_out],
        )
    matrix = np.concatenate([block.matrix for block in kept], axis=1)
    terms = tuple(term for block in kept for term in block.terms)
    references = tuple(t for block in kept for t in block.references if t.against)
    return Design(matrix, terms, references, keep, tuple(left_out))


_REFUSED: Final = ("constant", "same", "many")
_REASONS: Final = {
    "constant": "has one value only",
    "same": "says the same as {with_}",
    "many": "has {n} values, which is too many to compare",
    "unknown": "is unknown of {n} contracts",
    "separates": "is a value that nobody left with ({n} contracts)",
    "alone": "is the only value of its kind of contract",
}


def _sentence(one: LeftOut) -> str:
    what = f"{one.covariate} = {one.level}" if one.level else one.covariate
    same = " and ".join(one.with_)
    return f"{what} {_REASONS[one.why].format(n=one.n, with_=same)}"


def _usable(
    rows: pl.DataFrame, name: str, left: Flags, keep: Flags
) -> tuple[pl.Series | None, list[LeftOut]]:
    """Return the values to compare by, null where a row cannot be used, and what is left out."""
    if name == USAGE:
        return _usage(rows, left)
    values = rows[name].cast(pl.String).fill_null("")
    table = (
        pl.DataFrame({"filled": values, "n_left": left.astype(np.int64)})
        .filter(pl.Series(keep))
        .group_by("filled")
        .agg(pl.len().alias("n"), pl.col("n_left").sum())
        .sort("n_left", "n", "filled", descending=[True, True, False])
    )
    if table.height > MOST_VALUES:
        return None, [LeftOut(name, "", "many", table.height)]
    silent = table.filter(pl.col("n_left") == 0, pl.col("n") >= _MANY_WITHOUT_END)
    refused = [LeftOut(name, level, "separates", n) for level, n, _ in silent.iter_rows()]
    rest = table.join(silent, on="filled", how="anti", maintain_order="left")
    own = rest.filter(pl.col("n_left") >= ENOUGH_ENDS)["filled"].to_list()[: MOST_LEVELS - 1]
    pooled = rest.filter(~pl.col("filled").is_in(own))
    if pooled.height == 1 and int(pooled["n_left"][0]):
        own += pooled["filled"].to_list()
    mapped = {level: level if level in own else OTHERS for level in rest["filled"]}
    if not set(pooled["filled"]) <= set(own) and not int(pooled["n_left"].sum()):
        refused.append(LeftOut(name, OTHERS, "separates", int(pooled["n"].sum())))
        mapped = {level: level for level in own}
    if len(set(mapped.values())) < 2:  # noqa: PLR2004 - a comparison needs two
        return None, [*refused, LeftOut(name, "", "constant", table.height)]
    return values.replace_strict(mapped, default=None, return_dtype=pl.String), refused


def _usage(rows: pl.DataFrame, left: Flags) -> tuple[pl.Series | None, list[LeftOut]]:
    used = rows["n"]
    n_unknown = used.null_count()
    refused = [LeftOut(USAGE, "", "unknown", n_unknown)] if n_unknown else []
    known = used.is_not_null().to_numpy()
    if not known.any() or not left[known].any() or used.drop_nulls().n_unique() < 2:  # noqa: PLR2004 - likewise
        return None, [LeftOut(USAGE, "", "constant" if known.any() else "unknown", n_unknown)]
    return (used + 1.0).log(2), refused


def _block(
    name: str, values: pl.Series, left: Flags, keep: Flags, stratum: NDArray[np.int64]
) -> _Block:
    """Return the columns of a covariate; rows that are not kept count for nothing."""
    if name == USAGE:
        term = Term(USAGE, "", "", int(keep.sum()), int(left[keep].sum()))
        return _Block(values.fill_null(0.0).to_numpy()[:, None], (term,), ())
    text = values.fill_null("").to_numpy()
    sizes = {
        level: (int((at := (text == level) & keep).sum()), int(left[at].sum()))
        for level in sorted(set(text[keep].tolist()))
    }
    reference = _references(text[keep], sizes, stratum[keep])
    common = set(reference.values())
    compared = [level for level in sizes if level not in common]
    compared.sort(key=lambda level: -sizes[level][1])
    terms = tuple(Term(name, level, reference[level], *sizes[level]) for level in compared)
    users = {term.against for term in terms}
    references = tuple(
        Term(name, level, level if level in users else "", *sizes[level])
        for level in sorted(common)
    )
    columns = [(text == term.level).astype(np.float64) for term in terms]
    matrix = np.stack(columns, axis=1) if columns else np.zeros((len(text), 0))
    return _Block(matrix, terms, references)


def _references(
    text: NDArray[np.object_], sizes: dict[str, tuple[int, int]], stratum: NDArray[np.int64]
) -> dict[str, str]:
    """Return what each level is compared with: the one with most ends that shares its strata.

    Levels are comparable where a chain of strata holds both; two that never meet in a stratum
    are not, and each has a reference of its own.
    """
    home = {level: level for level in sizes}
    for number in np.unique(stratum):
        there = sorted(set(text[stratum == number].tolist()))
        joined = {home[level] for level in there}
        first = min(joined)
        home = {level: first if old in joined else old for level, old in home.items()}
    best: dict[str, str] = {}
    for level, place in home.items():
        now = best.get(place, OTHERS)
        if level != OTHERS and (now == OTHERS or sizes[level][1] > sizes[now][1]):
            best[place] = level
        best.setdefault(place, level)
    return {level: best[place] for level, place in home.items()}


def _independent(
    blocks: Sequence[_Block], stratum: NDArray[np.int64]
) -> tuple[list[_Block], list[LeftOut]]:
    """Return the covariates that say something which those before them do not."""
    kept: list[_Block] = []
    left_out: list[LeftOut] = []
    base = np.zeros((len(stratum), 0))
    for block in blocks:
        if not block.terms:
            continue
        own = _centred(block.matrix, stratum)
        size = np.sqrt((own**2).sum(axis=0))
        if not (size > _SAME).all():  # so small: it varies between strata only
            left_out.append(LeftOut(block.terms[0].covariate, "", "constant", len(own)))
            continue
        own = own / size
        joint = np.concatenate([base, own], axis=1)
        if np.linalg.eigvalsh(joint.T @ joint)[0] < _SAME:
            others = tuple(one.terms[0].covariate for one in kept)
            left_out.append(LeftOut(block.terms[0].covariate, "", "same", len(own), others))
            continue
        kept.append(block)
        base = joint
    return kept, left_out


def _centred(matrix: Floats, stratum: NDArray[np.int64]) -> Floats:
    """Return the columns less their mean in each stratum."""
    own = matrix.copy()
    for number in np.unique(stratum):
        rows = stratum == number
        own[rows] -= own[rows].mean(axis=0)
    return own
