"""Recency, frequency and money as scores; the one rule: a score is a comparison with edges.

Edges are few numbers, so they can be stored with a snapshot and broadcast over shards: equal
values always get equal scores, and how rows are split cannot matter. A higher value scores
higher; for recency give days negated.
"""

from collections.abc import Mapping
from re import fullmatch
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from csk.errors import UsageError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FIXED_RECENCY_EDGES = (-365.0, -180.0, -90.0, -30.0)
"""On days negated: at most 30 days ago scores 5, at most 90 scores 4, at most 180, at most 365."""

FIXED_FREQUENCY_EDGES = (2.0, 3.0, 6.0, 10.0)
"""1 purchase day, 2, 3 to 5, 6 to 9, 10 or more."""

ABC_CUTS = (0.70, 0.90)
"""A is the first 70 % of the total, B the next 20 %, C the rest."""

SEGMENT_CELLS: Mapping[str, str] = {
    "champions": "555 554 544 545 454 455 445",
    "loyal": "543 444 435 355 354 345 344 335",
    "potential_loyalist": "553 551 552 541 542 533 532 531 452 451 442 441 431 453 433 432 423"
    " 353 352 351 342 341 333 323",
    "new": "512 511 422 421 412 411 311",
    "promising": "525 524 523 522 521 515 514 513 425 424 413 414 415 315 314 313",
    "need_attention": "535 534 443 434 343 334 325 324",
    "about_to_sleep": "331 321 312 221 213 231 241 251",
    "at_risk": "255 254 245 244 253 252 243 242 235 234 225 224 153 152 145 143 142 135 134 133"
    " 125 124",
    "cannot_lose": "155 154 144 214 215 115 114 113",
    "hibernating": "332 322 233 232 223 222 132 123 122 212 211",
    "lost": "111 112 121 131 141 151",
}
"""Cells (recency, frequency, money scores) of each of the eleven segments."""


class SegmentMap(NamedTuple):
    """Segment names, and the index of the segment of each cell, shape (5, 5, 5)."""

    names: tuple[str, ...]
    cell: NDArray[np.int8]


def rank_edges(values: ArrayLike, counts: ArrayLike | None = None, bins: int = 5) -> Floats:
    """Return the bins - 1 edges of scores by average rank; ties fall together.

    A value's score is its average rank over n, times bins, rounded up. `counts` are how often
    each value occurs (1 each by default); values need not be sorted or unique, so counts of
    shards may simply be concatenated. An edge that no value reaches is infinite.
    """
    unique, often = _tally(values, counts)
    above = np.cumsum(often)
    twice_rank = 2 * (above - often) + often + 1
    n = int(often.sum())
    score = -(-bins * twice_rank // max(2 * n, 1))
    first = np.searchsorted(score, np.arange(2, bins + 1))
    return np.append(unique, np.inf)[first]


def share_edges(
    values: ArrayLike, counts: ArrayLike | None = None, cuts: tuple[float, ...] = ABC_CUTS
) -> Floats:
    """Return edges of ABC classes: by share of the total held by strictly larger values.

    With the default cuts a score of 3 is A (less than 70 % lies above), 2 is B, 1 is C. Values
    that are not positive are in the last class.
    """
    unique, often = _tally(values, counts)
    positive = unique > 0
    unique, often = unique[positive], often[positive]
    held = unique * often
    total = held.sum()
    larger = np.cumsum(held[::-1])[::-1] - held
    return np.array(
        [
            unique[np.argmax(larger < cut * total)] if len(unique) else np.inf
            for cut in sorted(cuts, reverse=True)
        ]
    )


def scores(values: ArrayLike, edges: ArrayLike) -> NDArray[np.int8]:
    """Return 1 + the number of edges at or below each value."""
    bounds = np.asarray(edges, np.float64)
    if np.any(bounds[1:] < bounds[:-1]):
        raise UsageError(f"Score thresholds must ascend: {', '.join(f'{e:g}' for e in bounds)}.")
    found = np.searchsorted(bounds, np.asarray(values, np.float64), side="right")
    return np.asarray(found + 1, np.int8)


def rank_scores(values: ArrayLike, bins: int = 5) -> NDArray[np.int8]:
    """Return scores 1..bins by average rank (bins = 10: deciles), ties kept together."""
    return scores(values, rank_edges(values, bins=bins))


def segment_map(cells: Mapping[str, str] = SEGMENT_CELLS) -> SegmentMap:
    """Return the lookup table of a segment map given as names and their cells.

    Raises UsageError, naming every cell at fault, unless the map is a partition of all 125.
    """
    names = tuple(cells)
    table = np.full((5, 5, 5), -1, np.int8)
    faults = []
    for index, name in enumerate(names):
        for cell in cells[name].split():
            if not fullmatch("[1-5]{3}", cell):
                faults.append(f"{name}: {cell!r} is not three digits of 1 to 5")
                continue
            place = (int(cell[0]) - 1, int(cell[1]) - 1, int(cell[2]) - 1)
            if table[place] >= 0:
                faults.append(f"{cell} is in both {names[table[place]]} and {name}")
            table[place] = index
    faults += [f"{r + 1}{f + 1}{m + 1} is in no segment" for r, f, m in np.argwhere(table < 0)]
    if faults:
        raise UsageError(
            "The segment map is not a partition of the 125 cells.",
            details=faults,
            hint="Every cell from 111 to 555 must be listed exactly once.",
        )
    table.flags.writeable = False
    return SegmentMap(names, table)


SEGMENTS = segment_map()
"""The map of eleven segments, checked where it is read in."""


def segment_of(
    recency: ArrayLike, frequency: ArrayLike, money: ArrayLike, segments: SegmentMap = SEGMENTS
) -> NDArray[np.int8]:
    """Return the index into `segments.names` of customers' three scores, each 1 to 5."""
    r, f, m = (np.asarray(score, np.int64) - 1 for score in (recency, frequency, money))
    for name, score in (("recency", r), ("frequency", f), ("money", m)):
        if not np.isin(score, range(5)).all():
            raise UsageError(f"The segment map needs scores from 1 to 5; {name} has others.")
    return np.asarray(segments.cell[r, f, m])


def _tally(values: ArrayLike, counts: ArrayLike | None) -> tuple[Floats, Ints]:
    """Return distinct values, ascending, with how often each occurs."""
    listed = np.asarray(values, np.float64).ravel()
    often = np.ones(listed.shape, np.int64) if counts is None else np.asarray(counts, np.int64)
    unique, place = np.unique(listed, return_inverse=True)
    total = np.zeros(len(unique), np.int64)
    np.add.at(total, place, often)
    return unique, total
