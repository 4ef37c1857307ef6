"""How much memory Polars may take before it spills to disk, and where and how much it spills.

One rule: this runs before Polars is imported anywhere, and never overrides the user.
"""

import os
import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

from csk.errors import UsageError

VARIABLE: Final = "POLARS_OOC_MEMORY_BUDGET_MB"
FOLDER: Final = "POLARS_OOC_SPILL_DIR"
DISK: Final = "POLARS_OOC_DISK_BUDGET_MB"
_ITS_OWN: Final = "/var/tmp"  # noqa: S108 # where Polars spills by itself; nothing is put there by us
SHARE: Final = 0.6
"""Share of the machine's (or the container's) memory that is used before spilling."""

_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(k|m|g|t)?i?b?\s*", re.IGNORECASE)
_FACTORS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_CGROUP_FILES = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def byte_count(text: str) -> int:
    """Return the bytes of a size such as `2GB`, `512M` or `1073741824`."""
    found = _SIZE.fullmatch(text)
    if found is None:
        raise UsageError(f"{text!r} is not a size of memory.", hint="Write it like 2GB or 512MB.")
    return int(float(found[1]) * _FACTORS[(found[2] or "").lower()])


def allow_spill(memory: str | None = None) -> None:
    """Set the budget beyond which Polars spills, unless the environment already has one.

    `memory` is what the user asked for (`--memory 2GB`), which wins over the environment;
    without it the budget is `SHARE` of the smaller of the container's limit and the RAM.
    """
    if memory is not None:
        os.environ[VARIABLE] = str(max(1, byte_count(memory) >> 20))
    elif VARIABLE not in os.environ:
        os.environ[VARIABLE] = str(max(1, int(SHARE * memory_bytes()) >> 20))
    _bound_the_disk()


def _bound_the_disk() -> None:
    """Spill where temporary files go, and no more than fits there.

    Beyond its budget Polars gives up with an error; on a full disk it only panics, to stderr.
    """
    named = os.environ.get("TMPDIR")
    if named and FOLDER not in os.environ:
        os.environ[FOLDER] = str(Path(named) / f"csk-spill-{os.getuid()}")
    folder = spill_folder()
    there = next((p for p in (folder, *folder.parents) if p.is_dir()), None)
    if there is not None and DISK not in os.environ:
        with suppress(OSError):
            os.environ[DISK] = str(shutil.disk_usage(there).free >> 20)


def spill_folder() -> Path:
    """Return the folder that what does not fit in memory is put in."""
    return Path(os.environ.get(FOLDER, _ITS_OWN))


def budget_bytes() -> int:
    """Return the budget beyond which Polars spills; all memory where none is set."""
    text = os.environ.get(VARIABLE, "")
    return int(text) << 20 if text.isdigit() else memory_bytes()


def memory_bytes() -> int:
    """Return the memory of the machine, or of the container where that has less."""
    ram = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = [ram]
    for name in _CGROUP_FILES:
        try:
            text = Path(name).read_text(encoding="ascii").strip()
        except OSError:
            continue
        if text.isdigit():
            limits.append(int(text))
    return min(limits)
