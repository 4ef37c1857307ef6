"""Where and on how much things are measured, and the files that this takes.

One rule: a file is made by a program of its own, seeded and named by its size, so it is the same
wherever and whenever it is made; one that is there is not made again.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from measuring import PEERS, Program, measured

BEGUN = "begun-"


@dataclass(frozen=True)
class Bench:
    """What was asked for."""

    work: Path
    lifetimes: Path
    """Python of the environment with lifetimes."""
    today: Path
    """Python of the environment with the peers that work on today's NumPy."""
    rows: tuple[int, ...]
    """Of payments."""
    customers: int | None
    events: tuple[int, ...]
    scale: float
    """Share of the sizes that targets of models are set for."""
    pareto: float
    """Millions of customers for Pareto/NBD."""

    def n(self, millions: float) -> int:
        """Return a number of rows or customers of a model."""
        return int(millions * 1e6 * self.scale)

    def made(self, script: str, name: str, *arguments: object, first: Sequence[object]) -> Path:
        """Make a file by a script beside the peers: SCRIPT FIRST... FILE ARGUMENTS...."""
        path = self.work / name
        if not path.exists():
            # Under another name until it is whole: what was broken off is made again.
            begun = path.with_name(f"{BEGUN}{name}")
            measured([sys.executable, PEERS / script, *first, begun, *arguments])
            for made in self.work.glob(f"*{BEGUN}{path.stem}*"):
                made.rename(made.with_name(made.name.replace(BEGUN, "")))
        return path


def csk_runs(script: str, *arguments: object) -> list[object]:
    """Name a program beside the peers that runs in csk's environment."""
    return [sys.executable, PEERS / script, *arguments]


def limit(kind: str, *paths: Path) -> Program:
    """Name the program that does what no other can leave out."""
    return Program(f"limit: {kind}", csk_runs("limit.py", kind, *paths))
