"""How a cluster was found to be.

One rule: plain data, so that whoever tells of it needs no client.
"""

from typing import Final, NamedTuple

_TABLES: Final = {"payments", "usage", "mrr_events", "tickets"}
"""What is added up there."""


class ClusterState(NamedTuple):
    """What a cluster answered when it was tried."""

    name: str
    """Its address without what is secret."""
    version: str
    """The version of Spark that it speaks."""
    build: str
    """What it calls itself."""
    seconds: float
    """How long a question took."""
    gaps: tuple[str, ...]
    """What it does otherwise than csk here, by key; that of a table is grave."""

    @property
    def is_alike(self) -> bool:
        """Whether the facts of its tables are those that csk would find here."""
        return not _TABLES & set(self.gaps)
