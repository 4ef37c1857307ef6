"""A Spark Connect server in this process, for facts that must be the same on a cluster."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def cluster():
    """Start Sail, and connect to it."""
    reason = "pysail and pyspark-client are not installed: facts were not tried on a cluster"
    # Without it a worker of a parallel run searches for a Spark of its own, and gives up.
    os.environ.setdefault("SPARK_HOME", str(Path.cwd()))
    sql = pytest.importorskip("pyspark.sql.connect.session", reason=reason)
    where, server = os.environ.get("CSK_TEST_SPARK"), None
    if where is None:
        server = pytest.importorskip("pysail.spark", reason=reason).SparkConnectServer(
            "127.0.0.1", 0
        )
        server.start(background=True)
        _, port = server.listening_address
        where = f"sc://127.0.0.1:{port}"
    session = sql.SparkSession.builder.remote(where).getOrCreate()
    session.conf.set("spark.sql.session.timeZone", "UTC")
    yield session
    session.stop()
    if server is not None:
        server.stop()
