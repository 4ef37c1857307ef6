"""Spark Connect servers in this process, for facts that must be the same on a cluster."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from two_workers import TWO_WORKERS

REASON = "pysail and pyspark-client are not installed: facts were not tried on a cluster"


@contextmanager
def session_at(address: str) -> Iterator[object]:
    sql = pytest.importorskip("pyspark.sql.connect.session", reason=REASON)
    session = sql.SparkSession.builder.remote(address).create()
    session.conf.set("spark.sql.session.timeZone", "UTC")
    yield session
    session.stop()


@contextmanager
def sail(settings: dict[str, str]) -> Iterator[str]:
    """Start Sail with settings of its own, and give its address."""
    server = pytest.importorskip("pysail.spark", reason=REASON).SparkConnectServer
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        one = server("127.0.0.1", 0)
    one.start(background=True)
    yield f"sc://127.0.0.1:{one.listening_address[1]}"
    one.stop()


@pytest.fixture(scope="session", autouse=True)
def _home() -> None:
    # Without it a worker of a parallel run searches for a Spark of its own, and gives up.
    os.environ.setdefault("SPARK_HOME", str(Path.cwd()))


@pytest.fixture(scope="session")
def cluster():
    """Start Sail, or take the Spark that is to be tested, and connect to it."""
    where = os.environ.get("CSK_TEST_SPARK")
    if where is not None:
        with session_at(where) as session:
            yield session
        return
    with sail({}) as address, session_at(address) as session:
        yield session


@pytest.fixture(scope="session")
def two_workers():
    """Start Sail as a cluster of two workers, and connect to it."""
    if "CSK_TEST_SPARK" in os.environ:
        pytest.skip("another Spark is to be tested")
    with sail(TWO_WORKERS) as address, session_at(address) as session:
        workers = session.sql("SELECT worker_id FROM system.cluster.workers").toArrow()
        assert workers.num_rows == 2
        yield session
