"""`csk` and `python -m csk`.

One rule: what can be answered without an import is, and memory is bounded before Polars loads.
"""

import os
import sys

from csk import __version__


def main() -> None:
    """Run the command line and leave with its exit code."""
    arguments = sys.argv[1:]
    if arguments == ["--version"]:
        sys.stdout.write(f"csk {__version__}\n")
        return
    from csk.cli.app import run  # noqa: PLC0415 # typer is not loaded to say a version
    from csk.engine.spill import allow_spill  # noqa: PLC0415 # likewise

    # On a machine whose cores are busy, waiting OpenMP threads burn CPU for nothing.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    sys.exit(run(arguments, allow_spill))


if __name__ == "__main__":
    main()
