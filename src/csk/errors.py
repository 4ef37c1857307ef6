"""Every way in which csk refuses, and the exit code that goes with it.

    CskError                    a sentence a person can act on, details, a hint
    ├── UsageError        2     the command was asked wrongly (a missing file too)
    ├── DataError         3     the data breaks its contract (an empty input too)
    ├── ModelError        4     the data is sound but cannot carry this model
    ├── AlertError        5     a condition named by --fail-on holds
    ├── StorageError     74     reading or writing failed (a full disk)
    └── TryAgainError    75     a lock is held, a cluster is out of reach

Bad input is always one of these; anything else that escapes is a bug (exit 1).
"""

from collections.abc import Iterable
from enum import IntEnum


class ExitCode(IntEnum):
    """What the shell is told."""

    OK = 0
    BUG = 1
    USAGE = 2
    DATA = 3
    MODEL = 4
    ALERT = 5
    STORAGE = 74
    TRY_AGAIN = 75
    INTERRUPTED = 130


class CskError(Exception):
    """A refusal: what is wrong, where (one line each in `details`), and what to do (`hint`)."""

    exit_code = ExitCode.BUG

    def __init__(self, sentence: str, *, details: Iterable[str] = (), hint: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.details = tuple(details)
        self.hint = hint


class UsageError(CskError):
    """The command was asked for something that cannot be done."""

    exit_code = ExitCode.USAGE


class DataError(CskError):
    """The data breaks its contract."""

    exit_code = ExitCode.DATA


class ModelError(CskError):
    """The data is sound, but cannot carry this model."""

    exit_code = ExitCode.MODEL


class AlertError(CskError):
    """A condition that the caller asked to be told of holds."""

    exit_code = ExitCode.ALERT


class StorageError(CskError):
    """Reading or writing failed for reasons outside the data."""

    exit_code = ExitCode.STORAGE


class TryAgainError(CskError):
    """Nothing is wrong with the request; it cannot be served right now."""

    exit_code = ExitCode.TRY_AGAIN
