"""A cluster of two workers that is killed, or whose folder has parts that are not as the others."""

import os
from contextlib import contextmanager
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from two_workers import two_workers as started

BROKEN = "part-00057.parquet"


@contextmanager
def sail(log):
    pytest.importorskip("pysail", reason="pysail is not installed: no cluster was asked")
    os.environ.setdefault("SPARK_HOME", os.getcwd())  # noqa: PTH109 # any folder will do
    with started(log) as found:
        yield found


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory):
    if "CSK_TEST_SPARK" in os.environ:
        pytest.skip("another Spark is to be tested")
    with sail(tmp_path_factory.mktemp("sail") / "log") as (_, address):
        yield address


def some_payments(n, seed=3):
    rng = np.random.default_rng(seed)
    begun = date(2022, 1, 3)
    return pl.DataFrame(
        {
            "customer_id": [f"C{i:05d}" for i in rng.integers(0, n // 20, n)],
            "paid_on": [begun + timedelta(days=int(i)) for i in rng.integers(0, 700, n)],
            "amount": rng.integers(100, 9_000, n) / 4,
        }
    )


def in_parts(tmp_path, change):
    """Write a hundred parts of payments, change one of them, and name them in csk.toml."""
    folder = tmp_path / "lake"
    folder.mkdir()
    for number, part in enumerate(some_payments(6_000).iter_slices(60)):
        part.write_parquet(folder / f"part-{number:05d}.parquet")
    change(folder / BROKEN)
    (tmp_path / "csk.toml").write_text(f'[cluster]\npayments = "{folder}"\n')


def cut_short(path):
    path.write_bytes(path.read_bytes()[:500])


def scratched(path):
    whole = bytearray(path.read_bytes())
    whole[4:300] = bytes(one ^ 0x5A for one in whole[4:300])  # its footer is whole
    path.write_bytes(whole)


def changed(how):
    return lambda path: how(pl.read_parquet(path)).write_parquet(path)


def nothing_is_there(tmp_path):
    return not (tmp_path / "out.csv").exists() and not list(tmp_path.glob("kept/_book-*"))


@pytest.mark.parametrize("breaking", [cut_short, scratched])
def test_a_broken_part_among_a_hundred_is_named(quick, two_workers, tmp_path, breaking):
    in_parts(tmp_path, breaking)
    ran = quick("segment", "--engine", two_workers, "--store", "kept", "-o", "out.csv")
    assert ran.code == 3, ran.err
    assert BROKEN in ran.err
    assert nothing_is_there(tmp_path)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        (lambda p: p.cast({"amount": pl.String}), "has amount as string, others as double"),
        (lambda p: p.cast({"paid_on": pl.Datetime("us")}), "has paid_on as timestamp_ntz"),
        (lambda p: p.drop("amount"), "has no amount"),
        (lambda p: p.rename({"customer_id": "who"}), "has no customer_id"),
        # Its payments failed, which the columns of the others would not tell.
        (lambda p: p.with_columns(status=pl.lit("failed")), "has status, which others lack"),
        # A rule of the settings looks at it.
        (lambda p: p.with_columns(shop=pl.lit("test")), "has shop, which others lack"),
    ],
)
def test_a_part_with_other_columns_is_named(quick, two_workers, tmp_path, how, said):
    in_parts(tmp_path, changed(how))
    with (tmp_path / "csk.toml").open("a") as settings:
        settings.write('[exclude.tests]\ncolumn = "shop"\nvalues = ["test"]\n')
    ran = quick("segment", "--engine", two_workers, "--store", "kept", "-o", "out.csv")
    assert ran.code == 3, ran.err
    assert f"{BROKEN} {said}" in ran.err
    assert nothing_is_there(tmp_path)


@pytest.mark.parametrize(
    "how",
    [
        lambda p: p.cast({"amount": pl.Int64}),
        lambda p: p.select("amount", "paid_on", "customer_id"),
        lambda p: p.with_columns(colour=pl.lit("red")),
    ],
)
def test_parts_may_differ_in_what_changes_nothing(quick, two_workers, tmp_path, how):
    # Whole amounts, so that a part may have them as whole numbers.
    in_parts(tmp_path, changed(lambda p: how(p.with_columns(pl.col("amount").floor()))))
    parts = [pl.read_parquet(path) for path in sorted((tmp_path / "lake").iterdir())]
    some = [part.select("customer_id", "paid_on", pl.col("amount").cast(float)) for part in parts]
    pl.concat(some).write_parquet(tmp_path / "payments.parquet")
    (tmp_path / "none.toml").touch()
    near = quick("segment", "payments.parquet", "--config", "none.toml", "-o", "here.csv", "-q")
    away = quick("segment", "--engine", two_workers, "-o", "far.csv", "-q")
    assert (near.code, away.code) == (0, 0), near.err + away.err
    assert (tmp_path / "far.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()


def test_a_killed_cluster_leaves_nothing_and_the_next_run_is_whole(
    quick, two_workers, wire, tmp_path
):
    some_payments(20_000).write_parquet(tmp_path / "payments.parquet")
    (tmp_path / "csk.toml").write_text(f'[cluster]\npayments = "{tmp_path}/payments.parquet"\n')
    whole = wire(two_workers)
    assert quick("segment", "--engine", whole.address, "-o", "here.csv", "-q").code == 0
    whole.cut()
    for share in (0.1, 0.6):
        with sail(tmp_path / "log") as (server, address):

            class Killing(wire):
                def cut(self):
                    server.kill()
                    super().cut()

            deadly = Killing(address, whole.said * share)
            ran = quick("segment", "--engine", deadly.address, "--store", "kept", "-o", "out.csv")
            deadly.cut()
            assert server.wait() < 0
        assert ran.code == 75, ran.err
        assert "went away over" in ran.err
        assert nothing_is_there(tmp_path)
    again = quick("segment", "--engine", two_workers, "--store", "kept", "-o", "out.csv", "-q")
    assert again.code == 0, again.err
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()
