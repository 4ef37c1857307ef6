"""What is wrong with which part of a folder on a cluster."""

import pytest

from csk.engine.spark_columns import fits
from csk.errors import DataError
from csk.intake.origins.cluster_parts import broken_part, refuse_unlike
from csk.schema import INPUTS

WHOLE = {"customer_id": "string", "paid_on": "date", "amount": "double", "status": "string"}
MAPPING = {name: name for name in WHOLE}


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [
        ("double", "double", True),
        ("bigint", "double", True),
        ("int", "bigint", True),
        ("int", "decimal(12,2)", True),
        ("int", "string", True),
        ("float", "double", True),
        ("varchar(9)", "string", True),
        # These would be cut, rounded or lost.
        ("double", "float", False),
        ("double", "bigint", False),
        ("string", "double", False),
        ("decimal(12,4)", "decimal(12,2)", False),
        ("timestamp", "date", False),
        ("timestamp_ntz", "timestamp", False),
    ],
)
def test_a_part_fits_where_nothing_is_lost(part, whole, expected):
    assert fits(part, whole) is expected


def told(part, mapping=MAPPING, its=None):
    table = INPUTS["payments"]
    parts = {"file:///lake/a%20b.parquet": part, "file:///lake/empty.parquet": {}}
    refuse_unlike(parts, WHOLE, mapping, "lake", lambda _: its or {}, table)


def test_a_part_may_lack_what_no_table_needs():
    told({name: kind for name, kind in WHOLE.items() if name != "status"})


def test_a_part_may_have_what_nobody_reads():
    told({**WHOLE, "colour": "string"})


def test_all_that_is_wrong_with_a_part_is_told_with_its_name():
    part = {"paid_on": "date", "amount": "string", "refund": "double"}
    with pytest.raises(DataError) as found:
        told(part, its={"refunded_amount": "refund"})
    (line,) = found.value.details
    assert line.startswith("a b.parquet has no customer_id; amount as string, others as double;")
    assert line.endswith("refund, which others lack")


@pytest.mark.parametrize("n_files", [2, 7, 100])
def test_the_broken_one_of_many_is_found_in_few_steps(n_files):
    files = [f"/lake/{number:03d}.parquet" for number in range(n_files)]
    for broken in (files[0], files[n_files // 2], files[-1]):
        tries = []

        def read(some, broken=broken, tries=tries):
            tries.append(len(some))
            if broken in some:
                raise DataError("The cluster cannot read it: no page.")

        found = broken_part(files, "lake", read)
        assert found is not None
        assert found.sentence.startswith(broken.rpartition("/")[2])
        assert "no page" in found.sentence
        assert sum(tries) <= n_files + 8


def test_where_each_can_be_read_alone_none_is_blamed():
    def read(some):
        if len(some) > 1:
            raise DataError("Together they are too much.")

    assert broken_part(["/a", "/b", "/c"], "lake", read) is None
