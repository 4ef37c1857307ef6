"""Every choice that could be theirs, of those that the contracts at hand allow to be tried.

One rule: a choice stands here only where it can be counted anew from what was read; what a store
does not hold (trials, discounts, taxes of single lines) is named as not tried.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from csk.calendar import DAYS_PER_MONTH
from csk.definitions import presets
from csk.models.causes import Candidate
from csk.models.reconcile import Side, change
from csk.tables.reconcile import Scope

TAXES: Final = (5, 7, 8, 10, 15, 18, 19, 20, 21, 22, 23, 25)
"""Rates of tax on sales, in per cent, at which a constant factor is called tax."""
UNITS: Final = {
    "yearly": Fraction(12),
    "minor_units": Fraction(100),
    "thousands": Fraction(1, 1000),
}
"""Factors by what is told instead of major units a month."""
GRACES: Final = (0, 1, 3, 7, 14, 30, 60, 90)
NOT_TRIED: Final = ("past_due", "discounts", "free")
"""Causes of which the contracts, once read, say nothing."""
_NEEDED: Final = {"pauses": "paused_from", "normalisation": "interval"}
"""Columns of the contracts without which a choice makes no difference."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What a book allows to be tried."""

    scopes: Mapping[str, Sequence[str]]
    """Values by column (`plan`, or one of the customers table) that could be left out."""
    minors: tuple[int, ...]
    """Counts to which the amounts of contracts could be rounded."""
    columns: tuple[str, ...]
    """Those of the contracts."""
    elsewhere: tuple[str, str] = ("", "")
    """Another reading of the contracts and the time zone of its days; none where empty."""

    @property
    def not_tried(self) -> tuple[str, ...]:
        """Return the causes that could not be tried."""
        lacking = () if self.elsewhere[0] else ("time_zone",)
        untold = [cause for cause, name in _NEEDED.items() if name not in self.columns]
        return (*lacking, *untold, *NOT_TRIED)

    def candidates(self, ours: Side) -> list[Candidate]:
        """Return all choices other than ours, in the order in which equals are preferred."""
        table, zone = self.elsewhere
        other = Candidate("time_zone", zone, way={"table": table, "zone": zone})
        return [
            *([other] if table else []),
            *self._by_option(ours),
            *_by_sum(ours),
            *_by_day(),
            *self._by_scope(),
            *_by_factor(),
        ]

    def _by_option(self, ours: Side) -> list[Candidate]:
        motion = ours.way.motion
        options: dict[tuple[str, str], tuple[object, ...]] = {
            ("gap", "grace_days"): GRACES,
            ("level", "level"): ("customer", "subscription", "product"),
            ("same_period", "grain"): ("period", "day"),
            ("rounding_of_lines", "minor"): (1, *self.minors),
            ("pauses", "pause"): ("movement", "churn", "keep"),
            ("normalisation", "week"): (52 / 12, 4.0),
            ("normalisation", "day"): (DAYS_PER_MONTH, 30.0),
        }
        return [
            Candidate(cause, change(now, value), motion={name: value})
            for (cause, name), values in options.items()
            if _NEEDED.get(cause, "plan") in self.columns
            for now in (getattr(motion, name),)
            for value in values
            if value != now
        ]

    def _by_scope(self) -> list[Candidate]:
        return [
            Candidate("scope", f"{column} {sign} {value}", way={"scope": scope})
            for column, values in self.scopes.items()
            for value in values
            for sign, scope in (
                ("!=", Scope(column, value)),
                ("=", Scope(column, value, is_left_out=False)),
            )
        ]


def _by_sum(ours: Side) -> list[Candidate]:
    """Return what can be made of the same counts."""
    return [
        Candidate("same_period", "flash", side={"flash_counts": True}),
        Candidate("came_back", "new", side={"back_is_new": True}),
        Candidate("came_back", "kept", side={"back_is_kept": True}),
        *(
            Candidate("formula", one.title, side={"preset": one.name})
            for one in presets()
            if one.name != ours.preset
        ),
    ]


def _by_day() -> list[Candidate]:
    return [
        Candidate("timing", "ends_later", way={"ends_later": 1}),
        Candidate("timing", "ends_earlier", way={"ends_later": -1}),
        Candidate("timing", "months_later", side={"lag": 1}),
        Candidate("timing", "months_earlier", side={"lag": -1}),
    ]


def _by_factor() -> list[Candidate]:
    factors = [("unit", name, factor) for name, factor in UNITS.items()]
    for rate in TAXES:
        taxed = Fraction(100 + rate, 100)
        factors += [("tax", f"+{rate}%", taxed), ("tax", f"-{rate}%", 1 / taxed)]
    return [Candidate(cause, name, side={"factor": of}) for cause, name, of in factors]
