"""Fitted models as text: JSON that says in which units, on what and until when they were fitted.

One rule: what was fitted in other units or by another schema is refused, never converted.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final, Literal, NamedTuple, TypeAlias, get_type_hints

import numpy as np

from csk.book import Book
from csk.errors import DataError, ModelError
from csk.models.strict_json import MOST_CHARACTERS as MOST_CHARACTERS  # noqa: PLC0414 - told on
from csk.models.strict_json import parsed, refuse_fields, shown, typed
from csk.stats.bgbb import BgBbFit
from csk.stats.bgnbd import BgNbdFit
from csk.stats.gammagamma import CredibilityFit, GammaGammaFit
from csk.stats.mbgnbd import MbgNbdFit
from csk.stats.nbd import NbdFit
from csk.stats.paretonbd import ParetoNbdFit
from csk.stats.tails import EVERY_FAMILY, TailFit

TimeUnit: TypeAlias = Literal["day", "week", "month", "year"]
Fit: TypeAlias = (
    BgBbFit
    | BgNbdFit
    | NbdFit
    | MbgNbdFit
    | ParetoNbdFit
    | GammaGammaFit
    | CredibilityFit
    | TailFit
)

SCHEMA: Final = "csk.fitted_model"
VERSION: Final = 1
_INFINITE: Final = "infinite"
_NEVER_NEGATIVE: Final = {
    "gradient_norm",
    "k",
    "n",
    "n_events",
    "n_excluded",
    "n_parameters",
    "thinning",
    "weight",
}


class Kind(NamedTuple):
    """A model that can be kept: its type, and its parameters in the order of the covariance."""

    type: type
    positive: tuple[str, ...]
    """Parameters, which are all above 0; a tuple counts with all its values."""
    may_be_infinite: tuple[str, ...] = ()
    may_be_unknown: tuple[str, ...] = ()
    """NaN in the fit, null in the text."""


KINDS: Final[Mapping[str, Kind]] = {
    "bg_bb": Kind(BgBbFit, ("alpha", "beta", "gamma", "delta")),
    "bg_nbd": Kind(BgNbdFit, ("r", "alpha", "a", "b")),
    "mbg_nbd": Kind(MbgNbdFit, ("r", "alpha", "a", "b"), (), ("log_likelihood",)),
    "nbd": Kind(NbdFit, ("r", "alpha")),
    "pareto_nbd": Kind(ParetoNbdFit, ("r", "alpha", "s", "beta")),
    "gamma_gamma": Kind(GammaGammaFit, ("p", "q", "gamma")),
    "credibility": Kind(CredibilityFit, ("population_mean",), ("k",)),
    "tail": Kind(TailFit, ("params",)),
}
"""What can be kept, by the name it is kept under."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a fit does not say of itself."""

    time_unit: TimeUnit
    currency: str
    """ISO 4217 code; empty where the book has none."""
    as_of: date
    """End of the observation: the first day that was not read."""
    n: int
    """Customers."""
    book: str
    """Digest of what was read."""


def facts_of(book: Book, n: int, time_unit: TimeUnit = "day") -> Facts:
    """Return what a fit to `n` customers of a book does not say of itself."""
    return Facts(time_unit, book.currency, book.span.as_of, n, book.digest)


class Kept(NamedTuple):
    """A fit as it was kept."""

    model: str
    fit: Fit
    facts: Facts


def kept_text(fit: Fit, facts: Facts) -> str:
    """Return a fit as JSON; reading it gives the same bits. ModelError for one that is not sound.

    A covariance that does not exist (all NaN) is null.
    """
    model = next((name for name, kind in KINDS.items() if isinstance(fit, kind.type)), "")
    if not model:
        raise TypeError(type(fit).__name__)
    names = get_type_hints(KINDS[model].type)
    unsound = _unsound(model, fit)
    if unsound:
        raise ModelError("This fit cannot be kept.", details=unsound)
    told = {
        "schema": SCHEMA,
        "version": VERSION,
        "model": model,
        **asdict(facts),
        "as_of": facts.as_of.isoformat(),
        "fit": {name: _written(getattr(fit, name)) for name in names},
    }
    return json.dumps(told, indent=2, allow_nan=False) + "\n"


def read(text: str | bytes, time_unit: TimeUnit, currency: str, model: str = "") -> Kept:
    """Return what was kept, to score customers in the given units.

    `model` names the one that is wanted, where only one will do. DataError for text that is no
    kept model; ModelError for another schema, model, time unit or currency.
    """
    told = parsed(text)
    if told.get("schema") != SCHEMA:
        raise DataError("This is no fitted model that csk has kept.")
    if told.get("version") != VERSION or isinstance(told["version"], bool):
        raise ModelError(
            f"The model was kept by version {shown(told.get('version'))} of the schema; "
            f"this csk reads version {VERSION}.",
            hint="Fit it again.",
        )
    name = told.get("model")
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise ModelError(
            f"There is no model {shown(name)}.", hint=f"Known are: {', '.join(KINDS)}."
        )
    fields = get_type_hints(Facts)
    refuse_fields(told, ("schema", "version", "model", *fields, "fit"), "The model")
    facts = Facts(**{field: typed(field, told[field], hint) for field, hint in fields.items()})
    if facts.n < 1:
        raise DataError(f"The field n of the kept model cannot be {facts.n}.")
    _refuse_others(str(name), facts, time_unit, currency, model)
    return Kept(str(name), _fit(str(name), told["fit"]), facts)


def _refuse_others(name: str, facts: Facts, time_unit: TimeUnit, currency: str, model: str) -> None:
    if model and name != model:
        raise ModelError(f"The kept model is {name}, not {shown(model)}.")
    units = (("time unit", facts.time_unit, time_unit), ("currency", facts.currency, currency))
    for what, kept, asked in units:
        if kept != asked:
            raise ModelError(
                f"The {what} of the kept model is {shown(kept)}, not {shown(asked)}.",
                hint="Fit it again on data like those that are to be scored.",
            )


def _fit(model: str, told: object) -> Fit:
    kind = KINDS[model]
    hints = get_type_hints(kind.type)
    refuse_fields(told, tuple(hints), f"The fit of {model}")
    assert isinstance(told, dict)  # noqa: S101 - refused above where it is none
    values = {field: _value(kind, field, told[field], hint) for field, hint in hints.items()}
    if "covariance" in values and values["covariance"] is None:
        size = sum(np.size(values[name]) for name in kind.positive)
        values["covariance"] = np.full((size, size), np.nan)
    fit: Fit = kind.type(**values)
    unsound = _unsound(model, fit)
    if unsound:
        raise DataError(f"The fit of {model} cannot be.", details=unsound)
    return fit


def _value(kind: Kind, field: str, told: object, hint: object) -> Any:  # noqa: ANN401 - as hinted
    if field in kind.may_be_infinite and told == _INFINITE:
        return math.inf
    if field in kind.may_be_unknown and told is None:
        return math.nan
    return None if field == "covariance" and told is None else typed(field, told, hint)


def _unsound(model: str, fit: Fit) -> list[str]:
    """Return what no fit of this model can be, line by line."""
    kind = KINDS[model]
    params = {name: np.ravel(getattr(fit, name)) for name in kind.positive}
    found = [
        f"{name} must be above 0"
        for name, values in params.items()
        if not np.all(np.isfinite(values) & (values > 0))
    ]
    for name in get_type_hints(kind.type).keys() - params.keys():
        value = getattr(fit, name)
        if isinstance(value, float) and not math.isfinite(value):
            open_ones = kind.may_be_unknown if math.isnan(value) else kind.may_be_infinite
            found += [f"{name} must be finite"] if name not in open_ones else []
        if name in _NEVER_NEGATIVE and value < 0:
            found.append(f"{name} must not be below 0")
    if isinstance(fit, TailFit):
        family = EVERY_FAMILY.get(fit.family)
        if family is None or family.n_params != len(fit.params):
            found.append(f"{shown(fit.family)} is no tail of {len(fit.params)} parameters")
    covariance = getattr(fit, "covariance", None)
    if covariance is not None:
        found += _unsound_covariance(covariance, sum(map(len, params.values())))
    return sorted(found)


def _unsound_covariance(covariance: np.ndarray, size: int) -> list[str]:
    if covariance.shape != (size, size):
        return [f"covariance must be {size} x {size}"]
    if np.isnan(covariance).all():
        return []
    if not np.isfinite(covariance).all():
        return ["covariance must be finite, or null as a whole"]
    is_symmetric = np.array_equal(covariance, covariance.T) and (np.diag(covariance) >= 0).all()
    return [] if is_symmetric else ["covariance must be symmetric, with variances from 0"]


def _written(value: object) -> object:
    if isinstance(value, np.ndarray):
        return None if np.isnan(value).all() else value.tolist()
    if isinstance(value, tuple):
        return [_written(one) for one in value]
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, float | np.floating):
        return None if math.isnan(value) else _INFINITE if math.isinf(value) else float(value)
    return int(value) if isinstance(value, np.integer) else value
