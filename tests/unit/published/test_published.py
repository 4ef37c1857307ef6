"""Publications: figures as they are printed, and numbers that add up."""

import numpy as np
import pytest

from csk.published import columns, numbers, tables
from csk.text import languages, words


def figures():
    return {
        (table.subject, table.name, figure.name): figure
        for table in tables()
        for figure in table.figures
    }


@pytest.mark.parametrize(
    ("table", "name", "digits", "tolerance"),
    [
        (("contracts", "regular_sbg"), "b", 4, 0.00005),  # printed 1.1820
        (("contracts", "regular_sbg"), "log_likelihood", 4, 0.001),
        (("contracts", "value_of_payments"), "after_1", 0, 0.5),
        (("cdnow", "bgnbd"), "alpha", 5, 0.000005),  # printed 4.41360
        (("cdnow", "bgnbd"), "gradient", 0, 1e-6),
    ],
)
def test_a_figure_may_be_missed_by_half_a_unit_of_its_last_digit(table, name, digits, tolerance):
    figure = figures()[(*table, name)]
    assert (figure.digits, figure.tolerance) == (digits, pytest.approx(tolerance, rel=1e-12))


def test_tolerances_beyond_half_a_unit_are_few_and_small():
    """A likelihood may be missed by .001, the valuation by a thousandth."""
    for (subject, _, name), figure in figures().items():
        if subject == "cdnow_value" and figure.tolerance > 0.005:
            assert figure.tolerance <= 0.001 * figure.published
        elif name == "log_likelihood":
            assert figure.tolerance == 0.001
        elif name != "gradient" and figure.tolerance > 0.500001 * 10.0**-figure.digits:
            assert figure.tolerance <= 20.0 * 10.0**-figure.digits
            assert figure.tolerance <= 1e-3 * abs(figure.published)


def test_tables_and_figures_have_names_of_their_own():
    keys = [(table.subject, table.name) for table in tables()]
    assert len(set(keys)) == len(keys)
    assert len(figures()) == sum(len(table.figures) for table in tables())


def test_a_source_has_one_title():
    named = {(table.source, table.title) for table in tables()}
    assert len({source for source, _ in named}) == len(named)


@pytest.mark.parametrize("language", languages())
def test_every_table_is_called_something(language):
    keys = words(language).keys
    wanted = {f"selftest.of.{table.subject}.{table.name}" for table in tables()}
    assert {key for key in keys if key.startswith("selftest.of.")} == wanted


def test_no_word_is_kept_for_a_figure_that_is_gone():
    kept = {key for key in words("en").keys if key.startswith("selftest.name.")}
    assert kept <= {f"selftest.name.{name}" for _, _, name in figures()}


def test_cells_add_up_to_their_customers():
    of = columns("cdnow")
    assert of["n"].sum() == 2357
    assert of["n"] @ of["x"] == 2457
    assert np.all(of["t_x"] <= of["T"])
    assert np.all((of["x"] == 0) == (of["t_x"] == 0))
    assert np.all((of["later_x"] == 0) == (of["later_t_x"] == 0))
    later = of["later_x"] > 0
    assert np.all(of["later_t_x"][later] > of["T"][later])
    value = columns("cdnow_value")
    assert value["n"].sum() == 23_560
    assert np.all(value["t_x"] <= value["T"])


def test_numbers_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        columns("cdnow")["x"][0] = 1.0
    with pytest.raises(TypeError):
        numbers("contracts")["regular"] = []
