import polars as pl

from csk.schema import KINDS, Column, Table
from csk.tables.columns import INSIDE, types_of


def test_every_kind_of_the_glossary_has_a_type():
    assert INSIDE.keys() == KINDS.keys()


def test_money_is_a_count_inside():
    table = Table("x", "", (Column("a", "amount", ""), Column("b", "id", "")))
    assert types_of(table) == {"a": pl.Int64(), "b": pl.String()}
