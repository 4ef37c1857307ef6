"""What is measured on: the machine, and the versions in every environment.

One rule: asked of the system and of the interpreters themselves, never written by hand.
"""

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path

_ASKED = """
import json, platform, sys
from importlib.metadata import PackageNotFoundError, version
found = {"Python": platform.python_version()}
for name in sys.argv[1:]:
    try:
        found[name] = version(name)
    except PackageNotFoundError:
        pass
print(json.dumps(found))
"""


def machine() -> str:
    """Say cores, processor, memory and system."""
    cores = os.cpu_count() or 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{cores} cores ({_processor()}), {memory:.0f} GB of memory, {_system()}"


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _system() -> str:
    try:
        name = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        name = platform.system()
    return f"{name}, kernel {platform.release().split('-')[0]}"


def versions(python: Path | str, names: Sequence[str]) -> dict[str, str]:
    """Return the versions of Python and of packages in an environment; {} where there is none."""
    if not Path(python).exists():
        return {}
    command = [str(python), "-c", _ASKED, *names]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    found: dict[str, str] = json.loads(run.stdout) if run.returncode == 0 else {}
    return found


def load() -> float:
    """Return how many processes wanted a core during the last minute."""
    return os.getloadavg()[0]
