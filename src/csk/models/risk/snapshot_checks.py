"""Leaks of a cross-section: columns that know who has left because he has.

One rule: what is found names its column; a fatal one is left out of the model.
"""

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from csk.models.risk.traits import Trait
from csk.models.risk.verdict import Finding
from csk.stats.discrimination import auc

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

TOO_GOOD: Final = 0.95
"""AUC of a single column above which it knows the outcome."""
_GAPS_TELL, _GAPS_HINT = 0.80, 0.65
"""AUC of whether a value is missing: above the first it is a leak, above the second named."""
_OTHER_WORDS: Final = (
    *("churn", "cancel", "attrit", "leaving", "left", "exit", "terminat", "deactivat", "winback"),
    *("customerstatus", "cltv", "ltv", "lifetimevalue", "解約", "退会", "離脱"),
)
"""Parts of names of what is known of a customer only by who left, or reckoned from it."""
_SHORT: Final = ("left", "exit", "ltv")
"""Those of them that must be a word of their own."""
_ALIKE: Final = 0.9999
_ENCODES: Final = 0.98
_ENOUGH: Final = 30


def findings(traits: tuple[Trait, ...], left: Flags) -> tuple[Finding, ...]:
    """Return what is suspect of single columns and of pairs, by column in their order."""
    found: list[Finding] = []
    for trait in traits:
        if is_other_words(trait.name):
            found.append(Finding("target_in_other_words", trait.name, np.nan, is_fatal=True))
            continue
        gaps = single_auc(trait.is_missing.astype(np.float64), left)
        alone = _alone(trait, left)
        if gaps > _GAPS_HINT:
            fatal = gaps > _GAPS_TELL
            found.append(Finding("missing_tells", trait.name, gaps, is_fatal=fatal))
        if alone > TOO_GOOD:
            found.append(Finding("single_column", trait.name, alone, is_fatal=True))
    fatal_names = {one.column for one in found if one.is_fatal}
    rest = tuple(trait for trait in traits if trait.name not in fatal_names)
    return (*found, *_encoding_tenure(rest), *_collinear(rest))


def is_other_words(name: str) -> bool:
    """Tell whether a column is the outcome in other words, by its name."""
    words = "".join(c if c.isalnum() else " " for c in _apart(name)).lower().split()
    whole = "".join(words)
    return any(part in words if part in _SHORT else part in whole for part in _OTHER_WORDS)


def _apart(name: str) -> str:
    """Return the name with its humps as words: ChurnScore is two."""
    return "".join(
        f" {c}" if c.isupper() and before.islower() else c
        for before, c in zip(f" {name}", name, strict=False)
    )


def single_auc(x: Floats, left: Flags) -> float:
    """Return how well one value tells who left, in whichever direction; .5 where it is constant."""
    if not left.any() or left.all():
        return 0.5
    value = float(auc(x, left))
    return max(value, 1.0 - value)


def _alone(trait: Trait, left: Flags) -> float:
    """Return the AUC of a column by itself, missing values apart."""
    known = ~trait.is_missing
    if known.sum() < _ENOUGH or not left[known].any() or left[known].all():
        return 0.5
    if trait.texts is None:
        return single_auc(trait.numbers[known], left[known])
    rows = pl.DataFrame({"text": trait.texts.fill_null(""), "left": left.astype(np.float64)})
    # Each row is told of the others of its text, never of itself: a text of its own tells nothing.
    others = (pl.col("left").sum().over("text") - pl.col("left") + left.mean()) / pl.len().over(
        "text"
    )
    # Told so, a text that means nothing ranks its own the wrong way: only one direction counts.
    return float(auc(rows.select(rate=others)["rate"].to_numpy()[known], left[known]))


def _encoding_tenure(traits: tuple[Trait, ...]) -> list[Finding]:
    """Find totals that are tenure times what is paid a month: they grow with staying itself."""
    by_name = {trait.name: trait.numbers for trait in traits if trait.texts is None}
    tenure, monthly = by_name.get("tenure_months"), by_name.get("monthly_amount")
    if tenure is None:
        return []
    found = []
    for name, values in by_name.items():
        if name in ("tenure_months", "monthly_amount"):
            continue
        against = [tenure] if monthly is None else [tenure, tenure * monthly]
        r = max(abs(_correlation(values, one)) for one in against)
        if r > _ENCODES:
            found.append(Finding("encodes_tenure", name, r, is_fatal=False))
    return found


def _collinear(traits: tuple[Trait, ...]) -> list[Finding]:
    """Find numbers that repeat another column's, but for their unit."""
    numbers = [(trait.name, trait.numbers) for trait in traits if trait.texts is None]
    found: list[Finding] = []
    for place, (name, values) in enumerate(numbers):
        for _, earlier in numbers[:place]:
            if abs(_correlation(values, earlier)) > _ALIKE:
                found.append(Finding("collinear", name, 1.0, is_fatal=False))
                break
    return found


def _correlation(a: Floats, b: Floats) -> float:
    known = ~(np.isnan(a) | np.isnan(b))
    if known.sum() < _ENOUGH:
        return 0.0
    x, y = a[known] - a[known].mean(), b[known] - b[known].mean()
    size = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / size if size > 0.0 else 0.0
