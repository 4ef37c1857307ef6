"""One made-up report in every form; `pytest tests/golden --snapshot-update` writes them anew."""

import pytest
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from csk.registry import loaded, names
from csk.render.protocol import Page


class PlainText(SingleFileSnapshotExtension):
    """Goldens that can be read with `cat`, colours included."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


@pytest.fixture
def golden(snapshot):
    return snapshot.use_extension(PlainText)


@pytest.mark.parametrize(
    ("form", "page"),
    [
        pytest.param("text", Page(80), id="text-80"),
        pytest.param("text", Page(120), id="text-120"),
        pytest.param("text", Page(80, color=True), id="text-80-color"),
        pytest.param("text", Page(60, unicode=False), id="text-60-ascii"),
        pytest.param("markdown", Page(), id="markdown"),
        pytest.param("json", Page(), id="json"),
    ],
)
def test_a_report_looks_as_it_did(form, page, report, golden):
    assert loaded("csk.render", form, "RENDERER").render(report, page) == golden


@pytest.mark.parametrize("form", names("csk.render"))
def test_every_renderer_is_deterministic_and_ends_in_one_newline(form, report):
    renderer = loaded("csk.render", form, "RENDERER")
    written = renderer.render(report, Page())
    assert written == renderer.render(report, Page())
    assert written.endswith("\n")
    assert not written.endswith("\n\n")
    assert renderer.name == form
