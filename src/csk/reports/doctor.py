"""The report of `csk doctor`: what csk runs on, and how the cluster is, line by line."""

from csk.engine.cluster_state import ClusterState
from csk.engine.health import Health
from csk.reports.blocks import Block, Grid, GridColumn, Note, Report
from csk.reports.figures import NOTHING
from csk.text import Words

_GB = 1_000_000_000


def report(
    health: Health, cluster: ClusterState | None, store: str, say: Words, unreached: str = ""
) -> Report:
    """Put what csk runs on into words; `unreached` says why a cluster could not be asked.

    `store` is a folder given to --store, empty where none was.
    """
    rows = [
        *((name, version or say("doctor.absent")) for name, version in health.versions.items()),
        (say("doctor.memory"), _size(health.memory_bytes)),
        (say("doctor.budget"), _size(health.budget_bytes)),
        *((say(f"doctor.{of}"), name or NOTHING) for of, name in health.encodings.items()),
        (
            say("doctor.temporary"),
            say("doctor.free", folder=str(health.temporary), size=_size(health.free_bytes)),
        ),
        (say("doctor.store"), store or say("doctor.no_store")),
    ]
    blocks: list[Block] = [_grid("", rows, say)]
    if cluster is not None:
        blocks += _of_cluster(cluster, say)
    if unreached:
        blocks.append(Note(unreached, "bad"))
    is_well = not unreached and (cluster is None or cluster.is_alike)
    line = say("doctor.well" if is_well else "doctor.ill")
    return Report(say("doctor.title"), line, tuple(blocks), _plain(health, cluster, store))


def _of_cluster(cluster: ClusterState, say: Words) -> list[Block]:
    rows = [
        (say("doctor.version"), cluster.version),
        (say("doctor.build"), cluster.build or NOTHING),
        (say("doctor.answers"), say("doctor.milliseconds", n=f"{cluster.seconds * 1000:,.0f}")),
        (say("doctor.facts"), say("doctor.alike" if cluster.is_alike else "doctor.unlike")),
    ]
    gaps = [
        Note(say(f"doctor.gap.{gap}"), "bad" if gap in ("payments", "usage") else "warn")
        for gap in cluster.gaps
    ]
    return [_grid(say("doctor.cluster", name=cluster.name), rows, say), *gaps]


def _grid(title: str, rows: list[tuple[str, str]], say: Words) -> Grid:
    columns = (GridColumn(say("doctor.what")), GridColumn(say("doctor.is")))
    return Grid(title, columns, tuple(rows), ("what", "is"))


def _size(n_bytes: int) -> str:
    return f"{n_bytes / _GB:,.1f} GB"


def _plain(health: Health, cluster: ClusterState | None, store: str) -> dict[str, object]:
    return {
        "versions": {name: version or None for name, version in health.versions.items()},
        "memory_bytes": health.memory_bytes,
        "budget_bytes": health.budget_bytes,
        "encodings": health.encodings,
        "temporary": {"folder": str(health.temporary), "free_bytes": health.free_bytes},
        "store": store or None,
        "cluster": None
        if cluster is None
        else {**cluster._asdict(), "gaps": list(cluster.gaps), "is_alike": cluster.is_alike},
    }
