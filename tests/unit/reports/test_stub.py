import tomllib
from datetime import date

import pytest
from pydantic import BaseModel

from csk.reports.stub import LINE, Mapped, changed, settings_file, template, toml
from csk.settings import Settings, settings
from csk.text import words

SAY = words()


def lines(text):
    """Give every setting of the template that is off: (section, name, value, what is said)."""
    section, found = "", []
    for line in text.splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif match := LINE.fullmatch(line):
            found.append((section, match["name"], match["value"], match["said"]))
    return found


def wanted():
    """Give every setting that there is: (section, name, default)."""
    for name, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=True)
        if isinstance(default, BaseModel):
            for inner, its in type(default).model_fields.items():
                yield name, inner, its.get_default(call_default_factory=True)
        elif isinstance(default, dict):
            yield name, None, default
        else:
            yield "", name, default


@pytest.mark.parametrize(("section", "name", "default"), list(wanted()))
def test_every_setting_has_one_line_and_it_says_the_default(tmp_path, section, name, default):
    found = [line for line in lines(template()) if line[0] == section and name in (None, line[1])]
    assert len(found) == 1, f"add {section} {name} to src/csk/text/csk.en.template"
    _, own, value, said = found[0]
    path = tmp_path / "csk.toml"
    path.write_text((f"[{section}]\n" if section else "") + f"{own} = {value}\n", "utf-8")
    loaded = settings({}, path)
    if section:
        loaded = getattr(loaded, section)
    loaded = loaded if name is None else getattr(loaded, name)
    is_example = said.startswith("Not set") or said.endswith("Not set.")
    assert is_example == (name is None or default is None or default == ""), said
    assert is_example or loaded == default


def test_no_line_is_of_a_setting_that_is_gone():
    known = {(section, name) for section, name, _ in wanted() if name}
    free = {section for section, name, _ in wanted() if name is None}
    assert [
        line for line in lines(template()) if line[:2] not in known and line[0] not in free
    ] == []


def test_the_template_alone_changes_nothing(tmp_path):
    path = tmp_path / "csk.toml"
    path.write_text(settings_file({}, {}, [], SAY), "utf-8")
    assert settings({}, path).model_dump() == Settings().model_dump()


def test_the_template_fits_a_page():
    assert max(map(len, template().splitlines())) <= 100


FILLED = {
    "currency": "JPY",
    "margin_share": 0.7,
    "tz": "Asia/Tokyo",
    "skip": ("a'b.csv", 'c"d.csv'),
    "as_of": date(2024, 1, 31),
    "ltv_horizon": 24,
    "risk_horizon": (30, 60),
}


def test_what_is_filled_in_is_what_is_read(tmp_path):
    path = tmp_path / "csk.toml"
    path.write_text(settings_file(FILLED, {"tz": "Proposed."}, [], SAY), "utf-8")
    assert settings({}, path).model_dump() == Settings(**FILLED).model_dump()
    assert changed(settings({}, path)) == FILLED
    text = path.read_text("utf-8")
    assert 'tz = "Asia/Tokyo"              # Proposed.\n' in text
    assert "Not set" not in next(line for line in text.splitlines() if "margin_share" in line)


def test_a_value_without_a_line_is_no_silence():
    with pytest.raises(KeyError, match="curency"):
        settings_file({"curency": "JPY"}, {}, [], SAY)


@pytest.mark.parametrize(
    "value",
    [
        *("a", 'say "x"', "back\\slash", "tab\tline\n", "bell\x07 delete\x7f", "顧客ID"),
        *(0.7, 3, True, ("a", "b"), [1, 2]),
    ],
)
def test_a_value_is_read_back_as_it_was(value):
    read = tomllib.loads(f"x = {toml(value)}")["x"]
    assert read == (list(value) if isinstance(value, tuple) else value)


ORDERS = {"customer_id": "会員 番号", "paid_on": "日\n付"}


def columns(*tables):
    return tomllib.loads(settings_file({}, {}, tables, SAY))["columns"]


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ([Mapped("a.csv", "payments", ORDERS)], {"payments": ORDERS}),
        (
            [Mapped("a\nb = 1\x00.csv", "payments", ORDERS, {"paid_on": "a\nb"})],
            {"payments": ORDERS},
        ),
        # A table can stand once in TOML.
        (
            [Mapped("a.csv", "payments", ORDERS), Mapped("b.csv", "payments", dict(ORDERS))],
            {"payments": ORDERS},
        ),
        (
            [Mapped("a.csv", "payments", ORDERS), Mapped("b.csv", "payments", {"amount": "x"})],
            {"payments": ORDERS},
        ),
        # What is not read is off, and does not stand in the way of what is.
        (
            [
                Mapped("a.csv", "payments", {"paid_on": "d"}, why_not="it lacks amount"),
                Mapped("b.csv", "payments", ORDERS),
                Mapped("c.csv", "", why_not="no columns"),
            ],
            {"payments": ORDERS},
        ),
    ],
)  # fmt: skip
def test_columns_stand_once_a_table(tables, expected):
    assert columns(*tables) == expected


def test_what_is_missing_is_said_with_what_it_may_be():
    lacking = ((("amount", "unit_price_amount"), ("amont",)), (("customer_id",), ()))
    one = Mapped("a.csv", "payments", {"paid_on": "d"}, lacking=lacking, why_not="it lacks two")
    text = settings_file({}, {}, [one], SAY)
    assert '# a.csv is not read: it lacks two.\n# [columns.payments]\n# paid_on = "d"\n' in text
    assert '# amount = "?"  # needed; or unit_price_amount; is it amont?\n' in text
    assert '# customer_id = "?"  # needed\n' in text
