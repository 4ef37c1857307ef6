"""From when to when a book can be observed, and as of which day it is read.

One rule: an end date never moves the window (it lies in the future, or at the file's edge).
"""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from math import log, log1p
from statistics import median
from typing import Final

from csk.book import Book, Window
from csk.calendar import month_start
from csk.engine.protocol import Engine
from csk.errors import DataError, UsageError
from csk.settings import Settings
from csk.tables.ends import days_at_risk, ends_by_day

_DENSE: Final = ("subscriptions", "payments", "usage")
"""Tables whose last event tells how far the log is complete; tickets and surveys are too rare."""
_EVENTS: Final = ("payments", "usage")
_EDGE_FACTOR: Final = 5
_EDGE_LEAST: Final = 5
_ENDS_LEAST: Final = 5
_UNLIKELY: Final = 0.001
_NEAR_DAYS: Final = 62


def window(book: Book, engine: Engine, settings: Settings, today: date) -> Window:
    """Return the window of a book; `today` is used only where the settings say `today`.

    DataError where no table has a date, UsageError where the wanted day is before all of them.
    """
    starts = [t.first_on for name in _DENSE if (t := book.tables.get(name)) and t.first_on]
    lasts = {name: t.last_on for name in _DENSE if (t := book.tables.get(name)) and t.last_on}
    ends = [last - _still_open(book, name, settings) for name, last in lasts.items()]
    if not ends:
        raise DataError("No subscription, payment or usage event has a date.")
    is_cut = settings.data_through is None and min(ends) < min(lasts.values())
    notes = ["late_window"] if is_cut else []
    data_through = settings.data_through or min(ends)
    as_of = _wanted(settings, today) or data_through + timedelta(days=1)
    if as_of <= min(starts):
        raise UsageError(f"Nothing is known before {as_of}: the first event is of {min(starts)}.")
    found = Window(min(starts), min(data_through, as_of - timedelta(days=1)), as_of)
    if book.is_contractual:
        ended = _ends(book, engine, settings, found)
        if settings.as_of is None and settings.data_through is None:
            edge, found = found.as_of, _before_edge(ended, found, notes)
            ended = ended if found.as_of == edge else _ends(book, engine, settings, found)
        found = _after_late_entry(book, engine, settings, found, notes, ended)
    if settings.data_from is not None:
        if settings.data_from > found.data_through:
            raise UsageError(
                f"The data cannot begin on {settings.data_from}: it ends on {found.data_through}.",
                hint="Give an earlier --data-from.",
            )
        found = replace(found, data_from=settings.data_from, is_late_entry=True)
    is_chosen = settings.as_of is not None or settings.data_through is not None
    if not is_chosen and max(ends) - min(ends) > timedelta(days=31):
        notes.append("tables_end_apart")
    return replace(found, notes=tuple(notes))


def _still_open(book: Book, name: str, settings: Settings) -> timedelta:
    """Return the last days of a log of events of which more may come late."""
    days = max(settings.late_window, book.tables[name].late_days) if name in _EVENTS else 0
    return timedelta(days=days)


def _wanted(settings: Settings, today: date) -> date | None:
    return today if settings.as_of == "today" else settings.as_of


def _before_edge(ended: list[tuple[date, int]], found: Window, notes: list[str]) -> Window:
    """Step back over a last month whose churn is the edge of the file."""
    counts = Counter[date]()
    for day, n_ended in ended:
        counts[month_start(day)] += n_ended
    last = month_start(found.as_of - timedelta(days=1))
    n_last = counts.pop(last, 0)
    usual = median(_filled(counts, min(counts), last)) if counts else 0
    if n_last < _EDGE_LEAST or n_last <= _EDGE_FACTOR * usual or not counts:
        return found
    notes.append("edge_left_out")
    return replace(found, data_through=last - timedelta(days=1), as_of=last)


def _ends(book: Book, engine: Engine, settings: Settings, found: Window) -> list[tuple[date, int]]:
    """Return the days on which spells ended, in order, and how many."""
    plan = ends_by_day(found.as_of, settings.grace_days)
    return list(engine.total(book, plan, ["ended_on"]).iter_rows())


def _filled(counts: dict[date, int], first: date, end: date) -> list[int]:
    months = (end.year - first.year) * 12 + end.month - first.month
    seen = [n for month, n in counts.items() if first <= month < end]
    return seen + [0] * max(0, months - len(seen)) or [0]


def _after_late_entry(
    book: Book,
    engine: Engine,
    settings: Settings,
    found: Window,
    notes: list[str],
    ended: list[tuple[date, int]],
) -> Window:
    """Find the first day on which an end could have been seen.

    Were ends equally likely all along, all n of them would lie in the share of the time at risk
    from the first one on with probability share ** n. Where that is under 0.001 the log begins
    there: earlier ends were not kept.
    """
    if not ended:
        notes.append("survivors_only")
        return found
    first_on = ended[0][0]
    days = engine.total(book, days_at_risk(found.as_of, first_on, settings.grace_days), [])
    before, after = days.row(0)
    n_ended = sum(n for _, n in ended)
    if n_ended < _ENDS_LEAST or after == 0:
        return found
    if n_ended * log1p(before / after) < -log(_UNLIKELY):
        return found
    notes.append("late_entry")
    return replace(found, data_from=_log_start(book, first_on), is_late_entry=True)


def _log_start(book: Book, first_end: date) -> date:
    """Take the first payment or usage event where it comes shortly before the first end."""
    begun = [
        t.first_on for name in ("payments", "usage") if (t := book.tables.get(name)) and t.first_on
    ]
    near = [day for day in begun if timedelta(0) <= first_end - day <= timedelta(days=_NEAR_DAYS)]
    return min(near, default=first_end)
