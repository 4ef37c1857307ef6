"""A Spark Connect session: where the facts of wide tables run (Spark, Databricks, EMR, Sail).

One rule: a cluster is only asked, never written to; no token of its address is shown, and what
it cannot serve is a sentence within seconds, where its client would try for minutes.
"""

import os
import queue
import re
import time
import warnings
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from csk.errors import CskError, DataError, TryAgainError, UsageError

SCHEME: Final = "sc://"
FORMATS: Final = ("table", "parquet", "delta")
"""What a wide table can be on a cluster."""

_CONNECT_SECONDS: Final = 10.0
_KEEPALIVE_MS: Final = 300_000
"""How often a silent cluster is asked whether it lives: servers take more for an attack."""
_TRIES: Final[dict[str, Any]] = {"max_retries": 3, "initial_backoff": 200, "max_backoff": 2_000}
_SAID_AT_MOST: Final = 200
_AT_ONCE: Final = 8
"""Questions that wait for one another's answers over the wire."""
_AWAY: Final = frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED", "ABORTED"})
_CLOSED: Final = frozenset({"UNAUTHENTICATED", "PERMISSION_DENIED"})
_ABSENT: Final = re.compile(
    r"TABLE_OR_VIEW_NOT_FOUND|PATH_NOT_FOUND|SCHEMA_NOT_FOUND|DELTA_TABLE_NOT_FOUND|not found"
    r"|does not exist|[Nn]o such file|Path does not exist|not a Delta table|No commit files",
)
_GONE: Final = re.compile(
    r"[Jj]ob aborted|SparkContext was shut|ExecutorLost|INVALID_HANDLE|RETRIES_EXCEEDED"
    r"|maximum number of retries"
)
_NAMED: Final = re.compile(r"^(?:\([\w.]+\) )?\[([A-Z_.]+)\]\s*")
_ADDRESS: Final = re.compile(r"sc://[^/;?#\s]+(/(;.*)?)?")
_HOST: Final = re.compile(r"sc://(?:[^@/;?#]*@)?([^@/;?#]+)")


class Cluster:
    """An open session on a cluster."""

    def __init__(self, session: Any, address: str, seconds: float) -> None:  # noqa: ANN401 # Spark has no types
        self.session = session
        self.address = address
        self.name = address_shown(address)
        self.connect_seconds = seconds
        """How long it took to reach it."""

    @property
    def version(self) -> str:
        """Return the version of the cluster, as it tells it."""
        with self.told_apart(self.name):
            return str(self.session.version)

    def table(self, place: str, form: str, name: str) -> Any:  # noqa: ANN401 # likewise
        """Return a table of the cluster as a lazy frame whose columns are known.

        `form` is one of `FORMATS`; UsageError where there is no such table, called `name`.
        """
        with self.told_apart(name):
            read = self.session.read
            frame = read.table(place) if form == "table" else read.format(form).load(place)
            if not frame.columns:  # Sail gives an empty table for a path that is none
                raise _absent(name, self.name)
            return frame

    def parts(self, place: str, form: str) -> list[str]:
        """Return the files that a table is made of; none where it is no folder of Parquet."""
        if form != "parquet":
            return []
        try:
            with self.told_apart(place):
                # With columns that nobody asks for, so that no file is opened to find them.
                frame = self.session.read.schema("csk STRING").parquet(place)
                return sorted(frame.inputFiles())
        except CskError:
            return []

    def types_of(self, files: Mapping[str, str]) -> dict[str, dict[str, str]]:
        """Return the columns of single files of Parquet and their types, as Spark writes them.

        `files` says what each is called; DataError names the first that cannot be read.
        """

        def types(file: str) -> dict[str, str]:
            with _refusing(files[file], self.address):
                schema = self.session.read.parquet(file).schema
                return {field.name: field.dataType.simpleString() for field in schema.fields}

        with _no_warnings(), ThreadPoolExecutor(_AT_ONCE) as pool:
            return dict(zip(files, pool.map(types, files), strict=True))

    def rows(self, frame: Any, name: str) -> Iterator[Any]:  # noqa: ANN401 # likewise
        """Run a frame and give its rows as Arrow tables, as they come: they are never all here."""
        client = self.session.client
        with self.told_apart(name):
            # Spark's own toArrow() holds the whole result in memory.
            plan = frame._plan  # noqa: SLF001 # what toArrow() itself hands over
            parts = client.to_table_as_iterator(plan.to_proto(client), plan.observations)
            for part in parts:
                if hasattr(part, "to_batches"):
                    yield part

    @contextmanager
    def told_apart(self, name: str) -> Iterator[None]:
        """Turn what the cluster says of the table `name` into a refusal of the right kind."""
        with _no_warnings(), _refusing(name, self.address):
            yield

    def close(self) -> None:
        """Let the session go; that the cluster is no longer there is no failure."""
        with _no_warnings(), suppress(Exception):
            self.session.client.set_retry_policies([])
            self.session.stop()


@contextmanager
def connected(address: str) -> Iterator[Cluster]:
    """Open a session at `sc://host:port`, closed at the end.

    UsageError where the address or a token is wrong, or the client is not installed;
    TryAgainError where the cluster is out of reach.
    """
    if not _ADDRESS.fullmatch(address):
        raise _not_understood("The address of the cluster")
    began = time.monotonic()
    cluster = Cluster(_session(address), address, 0.0)
    try:
        with cluster.told_apart(cluster.name):
            # Days are cut in UTC, whatever the zone of the machine that a cluster started on.
            cluster.session.conf.set("spark.sql.session.timeZone", "UTC")
        cluster.connect_seconds = time.monotonic() - began
        yield cluster
    finally:
        cluster.close()


def address_shown(address: str) -> str:
    """Return an address as it may be shown: without user, token and other parameters."""
    found = _HOST.match(address)
    return f"{SCHEME}{found[1]}" if found else f"{SCHEME}..."


def _session(address: str) -> Any:  # noqa: ANN401 # Spark has no types
    try:
        with _at_home():
            from pyspark.errors import PySparkException  # noqa: PLC0415 # an extra
            from pyspark.sql.connect.client import DefaultChannelBuilder  # noqa: PLC0415 # likewise
            from pyspark.sql.connect.client.retries import DefaultPolicy  # noqa: PLC0415 # likewise
            from pyspark.sql.connect.session import SparkSession  # noqa: PLC0415 # likewise
    except ImportError:
        raise UsageError(
            "Reading tables of a cluster needs the library pyspark-client, which is not installed.",
            hint="Install it with: pip install 'customer-success-kit[spark]'",
        ) from None
    try:
        place = DefaultChannelBuilder(address, [("grpc.keepalive_time_ms", _KEEPALIVE_MS)])
        _wait_for(place.toChannel(), address)
        session = SparkSession(place)
    except (PySparkException, ValueError):
        # What it says quotes the address, and with it the token.
        raise _not_understood(f"The address of the cluster {address_shown(address)}") from None
    session.client.set_retry_policies([DefaultPolicy(**_TRIES)])
    return session


@contextmanager
def _at_home() -> Iterator[None]:
    """Name a home of Spark while its client is imported: without one it may end the program."""
    variable = "SPARK_HOME"
    if variable in os.environ:
        yield
        return
    os.environ[variable] = str(Path(__file__).parent)  # any folder will do
    try:
        yield
    finally:
        del os.environ[variable]


def _wait_for(channel: Any, address: str) -> None:  # noqa: ANN401 # gRPC has no types
    """Wait until a cluster answers; TryAgainError where it refuses or stays silent."""
    from grpc import ChannelConnectivity  # noqa: PLC0415 # an extra

    states: queue.SimpleQueue[Any] = queue.SimpleQueue()
    ends, why = time.monotonic() + _CONNECT_SECONDS, "it does not answer"
    channel.subscribe(states.put, try_to_connect=True)
    try:
        while (left := ends - time.monotonic()) > 0:
            try:
                state = states.get(timeout=left)
            except queue.Empty:
                break
            if state is ChannelConnectivity.READY:
                return
            if state is ChannelConnectivity.TRANSIENT_FAILURE:
                why = "nothing answers there"
                break
    finally:
        channel.unsubscribe(states.put)
        channel.close()
    raise TryAgainError(
        f"The cluster {address_shown(address)} is out of reach: {why}.",
        hint="Is it running, and is this the port of Spark Connect (15002 where none was chosen)?",
    )


@contextmanager
def _no_warnings() -> Iterator[None]:
    """Let no client warn of retries: the refusal says what matters. Not for several threads."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _refusing(name: str, address: str) -> Iterator[None]:
    from grpc import RpcError  # noqa: PLC0415 # an extra, absent from the plain install
    from pyspark.errors import PySparkException  # noqa: PLC0415 # likewise

    try:
        yield
    except (PySparkException, RpcError) as error:
        raise _refusal(error, name, address) from None


def _refusal(error: Exception, name: str, address: str) -> CskError:
    """Return what an error of Spark or of the wire means for a person."""
    shown, code, said = address_shown(address), _code(error), _said(error, address)
    whole = f"{_condition(error)} {_first_line(error)}"
    if code in _AWAY or _GONE.search(whole):
        return TryAgainError(
            f"The cluster {shown} went away over {name}: {said}.",
            hint="Nothing was written. Run the command again once it is back.",
        )
    if code in _CLOSED:
        return UsageError(f"The cluster {shown} lets nobody in like this: {said}.")
    if code == "UNIMPLEMENTED":
        return UsageError(f"What answers at {shown} is no Spark Connect: {said}.")
    if _ABSENT.search(whole):
        return _absent(name, shown)
    return DataError(f"The cluster {shown} cannot read {name}: {said}.")


def _not_understood(address: str) -> UsageError:
    return UsageError(
        f"{address} cannot be understood.",
        hint="Write it like sc://HOST:15002, or sc://HOST:443/;use_ssl=true;token=...",
    )


def _absent(name: str, cluster: str) -> UsageError:
    return UsageError(
        f"The cluster {cluster} has no {name}.",
        hint="Name it in [cluster] of csk.toml as catalog.schema.table, or by its path.",
    )


def _code(error: Exception) -> str:
    """Return the status of the wire that an error came with; empty where there was none."""
    ask = getattr(error, "getGrpcStatusCode", None) or getattr(error, "code", None)
    name = getattr(ask() if callable(ask) else None, "name", "")
    # Clients before 4.1 have it in the text alone.
    found = re.search(r"StatusCode\.([A-Z_]+)", str(error))
    return found[1] if found and name in {"", "UNKNOWN"} else str(name)


def _condition(error: Exception) -> str:
    ask = getattr(error, "getCondition", None) or getattr(error, "getErrorClass", None)
    return str(ask() or "") if callable(ask) else ""


def _said(error: Exception, address: str) -> str:
    """Return what a cluster says in its own words: one line, no stack of Java, no token."""
    words = _NAMED.sub("", _first_line(error))
    for secret in _secrets(address):
        words = words.replace(secret, "***")
    return words[:_SAID_AT_MOST].rstrip(". :")


def _first_line(error: Exception) -> str:
    details = re.search(r'details = "([^"]*)"', str(error))
    lines = [line.strip() for line in (details[1] if details else str(error)).splitlines()]
    return next((line for line in lines if line), type(error).__name__)


def _secrets(address: str) -> list[str]:
    """Return every form of what an address holds beside its host, the longest first."""
    rest = _HOST.sub("", address, count=1)
    values = [part.partition("=")[2] for part in re.split(r"[;&?]", rest)]
    user = address.partition("://")[2].rpartition("@")[0]
    forms = {address, rest.lstrip("/"), user, *values, *map(unquote, values)}
    return sorted((one for one in forms if len(one) > 3), key=len, reverse=True)  # noqa: PLR2004 # shorter ones are no secrets
