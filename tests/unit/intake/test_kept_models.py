"""The folder of a model may be anybody's: it gives the model that was kept, or a sentence."""

import json
import os
import shutil
from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet as pq
from risk_models import panel, risk_model

from csk.errors import CskError, DataError, ModelError
from csk.intake.kept_models import kept_model
from csk.models.risk.kept import COEFFICIENTS, DRIFT, METRICS, MODEL, NAMES, TREES
from csk.models.risk.kept_places import POINTER, mark, pointer_of, pointer_text, pointer_to
from csk.sinks.staging.models import stage_model
from csk.sinks.staging.outputs import Outputs


@cache
def contents() -> dict[str, bytes]:
    """Return the files of a model, as they were written once."""
    with TemporaryDirectory() as place:
        folder = Path(place) / "model"
        with Outputs() as outputs:
            stage_model(outputs, folder, risk_model())
        fit = pointer_of((folder / POINTER).read_bytes()).fit
        return {name: (folder / fit / name).read_bytes() for name in NAMES}


def laid(folder: Path, files: dict[str, bytes]) -> Path:
    """Write files as a fit whose pointer knows them, and return the folder of the fit."""
    pointer = pointer_to(files)
    home = folder / pointer.fit
    home.mkdir(parents=True)
    for name, content in files.items():
        (home / name).write_bytes(content)
    (folder / POINTER).write_text(pointer_text(pointer), "utf-8")
    return home


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return laid(tmp_path / "model", contents())


def test_the_model_that_was_kept_is_read(home):
    found = kept_model(home.parent)
    assert found.model_id == risk_model().model_id
    fresh = panel(100, 7)
    assert found.hazards(fresh).tobytes() == risk_model().hazards(fresh).tobytes()


@pytest.mark.parametrize("name", ["", "there is none", "empty"])
def test_where_no_model_is_there_is_none(tmp_path, name):
    (tmp_path / "empty").mkdir()
    assert kept_model(tmp_path / name) is None


def test_a_fit_that_no_pointer_names_is_no_model(home):
    (home.parent / POINTER).unlink()
    assert kept_model(home.parent) is None


def test_hidden_files_and_what_lies_beside_are_let_be(home):
    (home / ".DS_Store").write_bytes(b"x")
    (home.parent / "README.txt").write_text("ours")
    assert kept_model(home.parent) is not None


def test_every_table_opens_in_duckdb(home):
    duckdb = pytest.importorskip("duckdb")
    for name in NAMES:
        if name != MODEL:
            rows = duckdb.read_parquet(str(home / name)).fetchall()
            assert len(rows) == pl.read_parquet(home / name).height


def replaced(name, content):
    def change(home: Path) -> None:
        (home / name).write_bytes(content(contents()[name]))

    return change


def linked(name):
    def change(home: Path) -> None:
        away = home.parent.parent / name
        (home / name).rename(away)
        (home / name).symlink_to(away)

    return change


def linked_folder(home: Path) -> None:
    away = home.parent.parent / "away"
    home.rename(away)
    home.symlink_to(away)


def swapped(home: Path) -> None:
    one, other = home / DRIFT, home / COEFFICIENTS
    kept = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(kept)


def sparse(name):
    def change(home: Path) -> None:
        os.truncate(home / name, 2**30)

    return change


def pipe(home: Path) -> None:
    (home / MODEL).unlink()
    os.mkfifo(home / MODEL)


def folder_for_a_file(home: Path) -> None:
    (home / TREES).unlink()
    (home / TREES).mkdir()


def pointing(change):
    def changed(home: Path) -> None:
        path = home.parent / POINTER
        told = json.loads(path.read_text("utf-8"))
        change(told)
        path.write_text(json.dumps(told), "utf-8")

    return changed


HOSTILE = {
    "a table cut short": replaced(TREES, lambda old: old[:-9]),
    "a text cut short": replaced(MODEL, lambda old: old[:-9]),
    "an empty file": replaced(DRIFT, lambda _: b""),
    "a pickle under a name of ours": replaced(MODEL, lambda _: b"\x80\x04\x95cposix\nsystem\n."),
    "files exchanged": swapped,
    "a file of 1 GB": sparse(MODEL),
    "a table of 1 GB": sparse(TREES),
    "a pointer of 1 GB": lambda home: os.truncate(home.parent / POINTER, 2**30),
    "a linked file": linked(MODEL),
    "a linked table": linked(TREES),
    "a linked folder": linked_folder,
    "a pipe": pipe,
    "a folder for a file": folder_for_a_file,
    "a file less": lambda home: (home / DRIFT).unlink(),
    "a folder less": shutil.rmtree,
    "a stranger": lambda home: (home / "model.pkl").write_bytes(b"\x80\x04."),
    "a pointer that is a folder": lambda home: (
        (home.parent / POINTER).unlink(),
        (home.parent / POINTER).mkdir(),
    ),
    "a pointer to itself": lambda home: (
        (home.parent / POINTER).unlink(),
        (home.parent / POINTER).symlink_to(home.parent / POINTER),
    ),
    "an empty pointer": lambda home: (home.parent / POINTER).write_bytes(b""),
    "a pointer upwards": pointing(lambda told: told.update(fit="../../etc")),
    "a pointer to the root": pointing(lambda told: told.update(fit="/etc")),
    "a pointer into another folder": pointing(lambda told: told.update(fit="fit-000000000000/..")),
    "a pointer to a list": pointing(lambda told: told.update(fit=["fit-000000000000"])),
    "a pointer with a line more": pointing(lambda told: told.update(fit=told["fit"] + "\n")),
    "a pointer to a fit that is not there": pointing(lambda t: t.update(fit="fit-000000000000")),
    "a file upwards": pointing(
        lambda told: told["files"].update({"../x.json": {"bytes": 1, "sha256": "0" * 64}})
    ),
    "a stranger in the list": pointing(
        lambda told: told["files"].update({"model.pkl": {"bytes": 1, "sha256": "0" * 64}})
    ),
    "a file less in the list": pointing(lambda told: told["files"].pop(MODEL)),
    "a size that cannot be": pointing(lambda told: told["files"][MODEL].update(bytes=2**60)),
    "a hash that is none": pointing(lambda told: told["files"][MODEL].update(sha256="0")),
    "another schema": pointing(lambda told: told.update(schema="pickle")),
    "a newer folder": pointing(lambda told: told.update(version=2)),
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_a_folder_that_csk_has_not_written_is_refused(home, change):
    change(home)
    with pytest.raises((DataError, ModelError)) as refusal:
        kept_model(home.parent)
    assert refusal.value.sentence


def test_a_stranger_is_named(home):
    (home / "model.pkl").write_bytes(b"\x80\x04.")
    with pytest.raises(DataError, match=r"model\.pkl' is no part of a model"):
        kept_model(home.parent)


def parquet(table, **options) -> bytes:
    stream = BytesIO()
    pq.write_table(table, stream, **options)
    return stream.getvalue()


def bomb(_):
    """Return a small file of which two million rows name one text of a megabyte."""
    n = 1_000_000
    word = pa.DictionaryArray.from_arrays(pa.array([0] * n, pa.int32()), pa.array(["x" * 10**6]))
    numbers = {"bin": pa.array([0] * n), "low": pa.array([0.0] * n), "high": pa.array([0.0] * n)}
    return parquet(pa.table({"feature": word, **numbers, "n": pa.array([0] * n)}))


def nested(old):
    table = pq.read_table(BytesIO(old))
    return parquet(table.set_column(4, "n", pa.array([[1]] * len(table))))


def unsigned(old):
    table = pq.read_table(BytesIO(old))
    return parquet(table.set_column(4, "n", table["n"].cast(pa.uint64())))


def binary(old):
    table = pq.read_table(BytesIO(old))
    return parquet(table.set_column(0, "feature", table["feature"].cast(pa.binary())))


SIGNED = {
    "a small file that would be large": (DRIFT, bomb),
    "lists for numbers": (DRIFT, nested),
    "numbers without a sign": (DRIFT, unsigned),
    "bytes for words": (DRIFT, binary),
    "a text for a table": (DRIFT, lambda _: b'{"a": 1}'),
    "a table of another": (DRIFT, lambda _: contents()[COEFFICIENTS]),
    "a head and nothing else": (DRIFT, lambda _: b"PAR1" + b"\xff" * 64 + b"PAR1"),
    "a footer without its pages": (DRIFT, lambda old: b"PAR1" + bytes(len(old) - 900) + old[-896:]),
    "a text for the text": (MODEL, lambda _: b"import os"),
}


@pytest.mark.parametrize(("name", "content"), SIGNED.values(), ids=SIGNED)
def test_a_hash_that_fits_makes_no_file_one_of_ours(tmp_path, name, content):
    laid(tmp_path, {**contents(), name: content(contents()[name])})
    with pytest.raises(DataError):
        kept_model(tmp_path)


changes = st.lists(
    st.tuples(st.sampled_from(NAMES), st.integers(0, 10**6), st.integers(0, 255)),
    min_size=1,
    max_size=4,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes, st.booleans())
def test_any_change_of_bytes_gives_the_same_model_or_a_refusal(tmp_path, changes, is_signed):
    files = dict(contents())
    for name, at, byte in changes:
        one = bytearray(files[name])
        one[at % len(one)] = byte
        files[name] = bytes(one)
    folder = tmp_path / "model"
    shutil.rmtree(folder, ignore_errors=True)
    home = laid(folder, files if is_signed else contents())
    for name, content in files.items():
        (home / name).write_bytes(content)
    try:
        found = kept_model(folder)
    except CskError:
        assert files != contents()
    else:
        # A word about the training that csk cannot check may have become another.
        assert is_signed or files == contents()
        assert found.hazards(panel(5)).shape == risk_model().hazards(panel(5)).shape


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10**6), st.binary(min_size=1, max_size=3))
def test_any_change_of_the_pointer_gives_the_same_model_or_a_refusal(tmp_path, at, new):
    folder = tmp_path / "model"
    shutil.rmtree(folder, ignore_errors=True)
    laid(folder, contents())
    text = bytearray((folder / POINTER).read_bytes())
    text[at % len(text) : at % len(text) + len(new)] = new
    (folder / POINTER).write_bytes(text)
    try:
        found = kept_model(folder)
    except CskError:
        return
    assert found.model_id == risk_model().model_id


def test_a_mark_is_of_the_content_alone():
    assert mark(b"abc") == (3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")


def test_a_model_of_an_earlier_version_is_refused_by_its_version(tmp_path):
    told = json.loads(contents()[MODEL])
    told["version"] = 1
    del told["validation"]["ages"]
    written = BytesIO()
    metrics = pl.read_parquet(BytesIO(contents()[METRICS]))
    metrics.drop("uno_c", "integrated_brier").write_parquet(written)
    old = {MODEL: json.dumps(told).encode(), METRICS: written.getvalue()}
    home = laid(tmp_path / "model", {**contents(), **old})
    with pytest.raises(ModelError, match="kept by version 1 of the schema") as refusal:
        kept_model(home.parent)
    assert "--refit" in refusal.value.hint
