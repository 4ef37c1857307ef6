"""What csk runs on: versions, memory, encodings, and the folder of its temporary store.

One rule: nothing is imported to be asked for its version, and nothing is changed.
"""

import locale
import platform
import shutil
import sys
import tempfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final

from csk.engine import spill

LIBRARIES: Final = ("polars", "narwhals", "pyarrow", "numpy", "scipy", "pyspark-client")
"""What figures hang on; the last is an extra, for clusters."""


@dataclass(frozen=True, slots=True)
class Health:
    """The state of this machine and of what is installed on it."""

    versions: dict[str, str]
    """By library, csk and Python; empty where it is not installed."""
    memory_bytes: int
    """What the machine has, or the container where it has less."""
    budget_bytes: int
    """What Polars takes before it spills to disk."""
    encodings: dict[str, str]
    """Of `stdout`, of `files` (their names) and of the `locale`."""
    temporary: Path
    """Where the store of a run lies, and what is spilled."""
    free_bytes: int


def health() -> Health:
    """Return what csk runs on."""
    temporary = Path(tempfile.gettempdir())
    return Health(
        versions={
            "csk": _version("customer-success-kit"),
            "python": platform.python_version(),
            **{name: _version(name) for name in LIBRARIES},
        },
        memory_bytes=spill.memory_bytes(),
        budget_bytes=spill.budget_bytes(),
        encodings={
            "stdout": sys.stdout.encoding or "",
            "files": sys.getfilesystemencoding(),
            "locale": locale.getpreferredencoding(do_setlocale=False),
        },
        temporary=temporary,
        free_bytes=shutil.disk_usage(temporary).free,
    )


def _version(name: str) -> str:
    if name == "customer-success-kit":
        from csk import __version__  # noqa: PLC0415 # a checkout has no metadata

        return __version__
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
