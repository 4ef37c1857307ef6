"""What makes men be arrested again: proportional hazards.

One rule: time is in weeks, and every covariate enters as it was recorded.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from csk.published import Computed, columns
from csk.stats import cox

_COVARIATES: Final = ("fin", "age", "race", "wexp", "mar", "paro", "prio")
_ERRORS: Final = ("fin", "age", "prio")
_STRATUM: Final = "race"


def _spells(covariates: tuple[str, ...]) -> cox.Spells:
    of = columns("arrests")
    design = np.column_stack([of[name] for name in covariates])
    return cox.Spells(np.zeros(len(design)), of["week"], of["arrest"] > 0, design)


def _cox() -> Mapping[str, float]:
    spells = _spells(_COVARIATES)
    found = cox.fit(spells)
    values = dict(zip(_COVARIATES, found.coefficients.tolist(), strict=True))
    errors = np.sqrt(np.diag(found.covariance)).tolist()
    by_name = dict(zip(_COVARIATES, errors, strict=True))
    return {
        **values,
        **{f"se({name})": by_name[name] for name in _ERRORS},
        "log_likelihood": found.log_likelihood,
        "gradient": found.gradient,
        "concordance": cox.concordance(spells, spells.design @ found.coefficients),
    }


def _cox_strata() -> Mapping[str, float]:
    spells = _spells(tuple(name for name in _COVARIATES if name != _STRATUM))
    width = float(spells.exit.max()) + 1.0
    stratum = columns("arrests")[_STRATUM].astype(np.int64)
    entry, left = cox.stratified(spells.entry, stratum, width), spells.left
    stratified = cox.Spells(entry, cox.stratified(spells.exit, stratum, width), left, spells.design)
    return {"log_likelihood": cox.fit(stratified).log_likelihood}


COMPUTED: Final[Computed] = {
    "cox": _cox,
    "cox_strata": _cox_strata,
}
