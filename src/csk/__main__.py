"""`csk` and `python -m csk`.

One rule: what can be answered without an import is, and memory is bounded before Polars loads.
"""

import os
import sys

from csk import __version__
from csk.errors import ExitCode


def main() -> None:
    """Run the command line and leave with its exit code."""
    _fill_closed_streams()
    arguments = sys.argv[1:]
    if arguments == ["--version"]:
        sys.stdout.write(f"csk {__version__}\n")
        return
    try:
        from csk.cli.app import run  # noqa: PLC0415 # typer is not loaded to say a version
        from csk.engine.spill import allow_spill  # noqa: PLC0415 # likewise
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
    # On a machine whose cores are busy, waiting OpenMP threads burn CPU for nothing; matrices here
    # are small, and one thread adds them up in the same order everywhere.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    sys.exit(run(arguments, allow_spill))


def _fill_closed_streams() -> None:
    """Open nothing where a stream is closed, so that no file of ours takes its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # Numbers are given out from the lowest: this one is the number of the stream.
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 # it stays open as long as we run


if __name__ == "__main__":
    main()
