"""A Sail of two workers, for tests and benchmarks alike."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

TWO_WORKERS: Final = {
    "SAIL_MODE": "local-cluster",
    "SAIL_CLUSTER__WORKER_INITIAL_COUNT": "2",
    "SAIL_CLUSTER__WORKER_MAX_COUNT": "2",
    "RUST_LOG": "error",
}
"""A driver and two workers that send one another rows by RPC, as on machines of their own."""
_MOST_SECONDS: Final = 60


@contextmanager
def two_workers(log: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Start Sail as a process of its own, whose workers are threads of it; give its address too."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    with log.open("wb") as told:
        server = subprocess.Popen(
            [sys.executable, "-m", "pysail", "spark", "server", "--port", str(port)],
            env={**os.environ, **TWO_WORKERS},
            stdout=told,
            stderr=subprocess.STDOUT,
        )
    try:
        until = time.monotonic() + _MOST_SECONDS
        while time.monotonic() < until:
            with socket.socket() as one:
                if one.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield server, f"sc://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()
