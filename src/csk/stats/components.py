"""Groups of rows that share a key, directly or through others (connected components).

One rule: a group is named by its smallest row, so the same links give the same names whatever
the order in which they were found.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]

NO_KEY = -1
"""Code of a row that has no key of a kind; it links nothing."""


def linked(kinds: Sequence[Rows]) -> Rows:
    """Return for each row the smallest row it is linked with, itself where with none.

    Each of `kinds` holds one code a row, all of one length: rows of the same code are linked,
    `NO_KEY` links nothing. Links reach on: a row that shares one key with a second and another
    key with a third links all three.
    """
    from scipy.sparse import coo_matrix  # noqa: PLC0415 # paid only by who links rows
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415 # likewise

    n = len(kinds[0])
    pairs = [_to_first(codes) for codes in kinds]
    left = np.concatenate([rows for rows, _ in pairs])
    right = np.concatenate([first for _, first in pairs])
    links = coo_matrix((np.ones(len(left), np.int8), (left, right)), shape=(n, n))
    _, group = connected_components(links, directed=False)
    _, smallest, place = np.unique(group, return_index=True, return_inverse=True)
    return np.asarray(smallest[place], np.int64)


def _to_first(codes: Rows) -> tuple[Rows, Rows]:
    """Link every row to the first one of its code: as many links as rows, whatever is shared."""
    rows = np.flatnonzero(codes != NO_KEY)
    _, first, place = np.unique(codes[rows], return_index=True, return_inverse=True)
    to = rows[first][place]
    others = rows != to
    return rows[others], to[others]
