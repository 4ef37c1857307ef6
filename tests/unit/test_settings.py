from datetime import date

import pytest

from csk.errors import UsageError
from csk.settings import Settings, config_file, settings


@pytest.fixture
def config(tmp_path):
    """Give a writer of csk.toml."""

    def written(text):
        path = tmp_path / "csk.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return written


def test_every_choice_has_a_default():
    assert settings({}, None).model_dump() == Settings().model_dump()
    assert Settings().ltv_horizon == 36
    assert Settings().risk_horizon == (30, 90, 365)


def test_flags_win_over_variables_and_those_over_the_file(config, monkeypatch):
    path = config('currency = "USD"\nltv_horizon = "12m"\ngrace_days = 2\n')
    monkeypatch.setenv("CSK_LTV_HORIZON", "24m")
    monkeypatch.setenv("CSK_GRACE_DAYS", "3")
    found = settings({"grace_days": 4, "currency": None}, path)
    assert (found.currency, found.ltv_horizon, found.grace_days) == ("USD", 24, 4)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("as_of", "2024-02-29", date(2024, 2, 29)),
        ("as_of", "today", "today"),
        ("data_from", "2020-01-01", date(2020, 1, 1)),
        ("risk_horizon", "30d,4w, 1y", (30, 28, 365)),
        ("ltv_horizon", "3y", 36),
        ("keep", "region, owner", ("region", "owner")),
        ("shards", "3", 3),
        ("rfm__method", "fixed", "fixed"),
    ],
)
def test_a_variable_is_read_like_a_flag(monkeypatch, name, text, value):
    monkeypatch.setenv(f"CSK_{name.upper()}", text)
    found = settings({}, None)
    for part in name.split("__"):
        found = getattr(found, part)
    assert found == value


def test_tiers_are_read_from_the_file(config):
    path = config(
        "as_of = 2024-02-29\nrisk_horizon = [30, '1y']\n[tiers]\nbudget_amount = 1000\n"
        "[[tiers.levels]]\nname = 'high-touch'\ncost_amount = 10\ncapacity = 3\nsaves_share = 0.2\n"
        "[columns.payments]\namount = 'Net'\n"
    )
    found = settings({}, path)
    assert found.as_of == date(2024, 2, 29)
    assert found.risk_horizon == (30, 365)
    assert found.tiers.levels[0].capacity == 3
    assert found.columns == {"payments": {"amount": "Net"}}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("grace_days = 91\ncurrency = 'usd'\n", {"grace_days", "currency"}),
        ("margin = 0.4\n", {"margin"}),
        ("margin_share = 0\n", {"margin_share"}),
        ("risk_horizon = []\n", {"risk_horizon"}),
        ("risk_horizon = ['0d']\n", {"risk_horizon.0"}),
        ("ltv_horizon = 0\n", {"ltv_horizon"}),
        ("[tiers]\nshares = [0.7]\n", {"tiers.shares.1"}),
        ("[[tiers.levels]]\nname = 'gold'\ncost_amount = 1\nsaves_share = 2\n",
         {"tiers.levels.0.name", "tiers.levels.0.saves_share"}),
    ],
)  # fmt: skip
def test_all_that_is_wrong_is_told_at_once(config, text, names):
    with pytest.raises(UsageError, match="settings") as refusal:
        settings({}, config(text))
    assert {line.split(":")[0] for line in refusal.value.details} == names


@pytest.mark.parametrize("horizon", [(90, 90), "90d,90d"])
def test_a_horizon_asked_for_twice_is_one(horizon):
    assert settings({"risk_horizon": horizon}, None).risk_horizon == (90,)


def test_a_broken_file_is_refused_by_name(config):
    path = config("currency = ")
    with pytest.raises(UsageError, match=r"csk\.toml is not valid TOML"):
        settings({}, path)


def test_a_wrong_duration_is_refused_with_an_example():
    with pytest.raises(UsageError, match="settings") as refusal:
        settings({"risk_horizon": "soon", "ltv_horizon": "x"}, None)
    told = sorted(refusal.value.details)
    assert [line.split(":")[0] for line in told] == ["ltv_horizon", "risk_horizon"]
    assert "90d" in told[1]


def test_the_nearest_file_upwards_is_taken(tmp_path):
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert config_file(deep) != tmp_path / "csk.toml"
    (tmp_path / "csk.toml").touch()
    assert config_file(deep) == tmp_path / "csk.toml"
    (tmp_path / "a" / "csk.toml").touch()
    assert config_file(deep) == tmp_path / "a" / "csk.toml"


def test_a_choice_is_frozen():
    with pytest.raises(ValueError, match="frozen"):
        Settings().grace_days = 2
