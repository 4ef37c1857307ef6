"""The tests of the cluster against a real Spark: `make test-spark`.

A Spark is taken from SPARK_HOME, else from `.venv-spark` (see SETUP below), and needs Java 17 or
newer. Where there is none, that is said loudly, and nothing has been tested.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
SETUP = "python3 -m venv .venv-spark && .venv-spark/bin/pip install 'pyspark[connect]>=4.0'"
TESTS = ("tests/unit/facts", "tests/e2e/test_cluster.py", "tests/e2e/test_cluster_tables.py")
START_SECONDS = 180


def say(text: str) -> None:
    sys.stderr.write(text + "\n")


def spark_home() -> Path | None:
    """Return the folder of a Spark that has a server for Spark Connect."""
    named = os.environ.get("SPARK_HOME")
    places = [Path(named)] if named else sorted(ROOT.glob(".venv-spark/lib/*/*/pyspark"))
    return next((p for p in places if list(p.glob("jars/spark-connect_*.jar"))), None)


def java() -> str | None:
    home = os.environ.get("JAVA_HOME")
    return shutil.which(f"{home}/bin/java") if home else shutil.which("java")


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def started(home: Path, port: int, work: Path) -> subprocess.Popen[bytes]:
    """Start a server for Spark Connect on this machine alone."""
    settings = {
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": str(port),
        "spark.master": "local[2]",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": "1g",
        "spark.sql.shuffle.partitions": "2",
        "spark.ui.enabled": "false",
        "spark.sql.warehouse.dir": str(work / "warehouse"),
    }
    flags = [part for name, value in settings.items() for part in ("--conf", f"{name}={value}")]
    server = "org.apache.spark.sql.connect.service.SparkConnectServer"
    with (work / "spark.log").open("wb") as log:
        return subprocess.Popen(
            [home / "bin/spark-submit", "--class", server, *flags, "spark-internal"],
            env={**os.environ, "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1"},
            cwd=work,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def main() -> int:
    home, has_java = spark_home(), java() is not None
    if home is None or not has_java:
        lacking = " and ".join(
            name for name, there in (("Spark 4", home), ("a JVM", has_java)) if not there
        )
        say(f"SKIPPED: {lacking} not found. NOTHING WAS TESTED ON A REAL SPARK.")
        say(f"         To have it: install Java 17, then {SETUP}")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        server = started(home, port, Path(folder))
        try:
            ends = time.monotonic() + START_SECONDS
            while not listens(port):
                if server.poll() is not None or time.monotonic() > ends:
                    say((Path(folder) / "spark.log").read_text(errors="replace")[-3000:])
                    say("Spark did not start.")
                    return 1
                time.sleep(1)
            say(f"Testing on the Spark of {home}")
            where = {**os.environ, "CSK_TEST_SPARK": f"sc://127.0.0.1:{port}"}
            where.pop("SPARK_HOME", None)
            command = [sys.executable, "-m", "pytest", "-q", *TESTS, *sys.argv[1:]]
            return subprocess.run(command, cwd=ROOT, env=where, check=False).returncode
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait()


if __name__ == "__main__":
    sys.exit(main())
