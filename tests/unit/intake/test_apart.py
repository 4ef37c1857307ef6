import pytest

from csk.errors import UsageError
from csk.intake.origins.apart import apart
from csk.intake.origins.finding import found


@pytest.fixture
def exports(tmp_path):
    """A folder of exports with the folder of a kept model in it."""
    fit = tmp_path / "risk" / "model" / f"fit-{'0' * 12}"
    fit.mkdir(parents=True)
    for place in (tmp_path / "payments.csv", tmp_path / "risk" / "more.csv", fit / "trees.parquet"):
        place.write_text("customer_id,paid_on,amount\na,2024-01-01,1\n")
    (fit.parent / "current.json").write_text("{}")
    return tmp_path


def names(files):
    return sorted(file.path.name for file in files)


def test_a_kept_model_among_exports_is_not_read_as_one(exports):
    files = found([str(exports)])
    assert names(files) == ["more.csv", "payments.csv", "trees.parquet"]
    assert names(apart(files, [exports / "risk"])) == ["more.csv", "payments.csv"]


def test_what_lies_in_a_folder_of_that_name_without_a_pointer_is_read(exports):
    (exports / "risk" / "model" / "current.json").unlink()
    files = found([str(exports)])
    assert names(apart(files, [exports / "risk"])) == names(files)


def test_a_model_alone_is_nothing_to_read(exports):
    (exports / "risk" / "more.csv").unlink()
    with pytest.raises(UsageError, match="nothing to read but what csk itself wrote"):
        apart(found([str(exports / "risk")]), [exports / "risk"])
