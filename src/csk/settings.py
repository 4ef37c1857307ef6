"""csk.toml, `CSK_*` variables and flags, as one frozen Settings; flags win, then variables.

One rule: every choice a number depends on is here, has a default, and can be printed.
"""

from collections.abc import Callable, Sequence
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from csk.calendar import days_of, months_of
from csk.errors import UsageError
from csk.money import CURRENCIES
from csk.schema import INPUTS

CONFIG_NAME: Final = "csk.toml"
_LONGEST_FILE: Final = 1 << 20
WIDE: Final = ("mrr_events", "payments", "tickets", "usage")
"""Tables that may lie on a cluster."""


def _months(value: object) -> object:
    return _duration(months_of, value) if isinstance(value, str) else value


def _days(value: object) -> object:
    parts = value.split(",") if isinstance(value, str) else value
    if isinstance(parts, list | tuple):
        return tuple(_duration(days_of, part) if isinstance(part, str) else part for part in parts)
    return value


def _each_once(values: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(values))


def _duration(meaning: Callable[[str], int], text: str) -> int:
    """Return what a duration means; a ValueError, so that all that is wrong is told together."""
    try:
        return meaning(text)
    except UsageError as error:
        raise ValueError(f"{error.sentence} {error.hint}") from error


def _words(value: object) -> object:
    return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value


def _currency(code: str) -> str:
    if code and code not in CURRENCIES:
        message = f"{code!r} is not a currency code such as JPY, USD or EUR"
        raise ValueError(message)
    return code


def _ascending(values: tuple[float, ...]) -> tuple[float, ...]:
    if list(values) != sorted(set(values)):
        raise ValueError("the values must rise from the first to the last")
    return values


def _tables(columns: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    """Refuse tables and columns that csk does not know, all at once."""
    wrong = [
        f"{table}: no such table{_meant(table, list(INPUTS))}"
        for table in columns
        if table not in INPUTS
    ]
    wrong += [
        f"{table}.{name}: no such column{_meant(name, INPUTS[table].names)}"
        for table, mapping in columns.items()
        if table in INPUTS
        for name in mapping
        if name not in INPUTS[table].names
    ]
    if wrong:
        raise ValueError("; ".join(wrong))
    return columns


def _meant(word: str, known: Sequence[str]) -> str:
    close = get_close_matches(word, known, n=1)
    return f" (is it {close[0]}?)" if close else ""


Months = Annotated[int, BeforeValidator(_months), Field(gt=0, le=600)]
Days = Annotated[
    tuple[Annotated[int, Field(gt=0, le=3660)], ...],
    BeforeValidator(_days),
    Field(min_length=1),
    AfterValidator(_each_once),
]
Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
Share = Annotated[float, Field(gt=0, lt=1)]
FourCounts = Annotated[tuple[int, int, int, int], AfterValidator(_ascending)]
FourAmounts = Annotated[tuple[float, float, float, float], AfterValidator(_ascending)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TierCost(_Section):
    """One service level: what it costs, how many it holds, what it saves."""

    name: Literal["high-touch", "low-touch", "tech-touch"]
    cost_amount: float = Field(ge=0, description="Cost per customer and year, major units.")
    capacity: int | None = Field(default=None, ge=0, description="Customers it can hold.")
    saves_share: float = Field(ge=0, le=1, description="Share of 12-month churn it prevents.")


class Tiers(_Section):
    """How touch tiers are chosen: by value alone, or by cost, capacity and budget."""

    shares: Annotated[tuple[Share, Share], AfterValidator(_ascending)] = (0.70, 0.90)
    budget_amount: float | None = Field(default=None, ge=0)
    levels: tuple[TierCost, ...] = ()


class Rfm(_Section):
    """How recency, frequency and money are scored."""

    method: Literal["rank", "fixed", "decile", "abc"] = "rank"
    recency_days: FourCounts = (30, 90, 180, 365)
    frequency: FourCounts = (2, 3, 6, 10)
    monetary_amount: FourAmounts | None = None


class Stages(_Section):
    """Thresholds of the lifecycle stages."""

    onboarding_days: int = 90
    adopting_days: int = 180
    expanding_days: int = 180
    at_risk_lift: float = Field(default=2.0, gt=1, description="p_churn_90d over the book's mean.")


class Risk(_Section):
    """What a model of churn risk may look at."""

    ignore: Words = ()
    """Features to leave out, by name, or whole groups of them; a name of both is the feature."""
    touches: bool = False
    """Whether our own actions may explain who leaves; they leak who was thought to."""


class Contact(_Section):
    """What a contact costs and how often its offer is taken; from these, whom it pays to call."""

    offer_amount: float = Field(default=0.0, ge=0, description="Cost of an offer, major units.")
    contact_amount: float = Field(default=0.0, ge=0, description="Cost of asking, major units.")
    accept_share: float = Field(
        default=0.3, gt=0, le=1, description="Share of leavers who stay for the offer."
    )


class Control(_Section):
    """Who is left alone, so that what contacts bring can be measured."""

    share: float = Field(default=0.10, ge=0, lt=1)
    experiment: str = Field(default="churn-risk", max_length=100)
    """Salt of the draw: another name draws other customers."""
    period: Literal["month", "quarter", "year"] = "quarter"
    """How long the same customers are left alone."""


class Alerts(_Section):
    """From where on a nightly run calls for a look."""

    false_share: float = Field(
        default=0.05, gt=0, lt=1, description="Nights without cause that may raise one."
    )
    drift_psi: float = Field(default=0.10, gt=0, description="Least PSI worth telling.")
    drift_share: float = Field(
        default=0.05, gt=0, description="Least move of what is missing, or of a new plan, likewise."
    )
    calibration_share: float = Field(
        default=0.25, gt=0, description="Least error of the number who left worth telling."
    )
    customers_share: float = Field(default=0.20, gt=0, description="Of customers scored.")
    events_share: float = Field(default=0.60, gt=0, description="Of events of the last day.")
    freshness_days: int = Field(default=2, ge=0, description="Days that data may be late.")


class Usage(_Section):
    """What a plan has, and from which loss on usage is told to fall."""

    severity_shares: Annotated[tuple[Share, Share, Share], AfterValidator(_ascending)] = (
        0.2,
        0.4,
        0.7,
    )
    """Share of its usage lost from which a fall is mild, marked, severe."""
    entitled: dict[str, Words] = Field(default_factory=dict)
    """By plan: its features; of other plans, those that most of its customers use."""


class Milestone(_Section):
    """Something that new customers should have done by a day."""

    name: str = Field(min_length=1, max_length=100)
    feature: str = Field(default="", description="With what; empty for anything.")
    count: float = Field(default=1.0, gt=0)
    within_days: int = Field(default=30, gt=0, le=3660)


def _place(value: object) -> object:
    return {"table": value} if isinstance(value, str) else value


class Wide(_Section):
    """A table that lies on a cluster."""

    table: str = Field(min_length=1, max_length=1000)
    """Its name (`sales.payments`), or the path of Parquet or Delta files."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Canonical column -> its own, where names do not tell; beside `[columns.TABLE]`."""
    format: Literal["table", "parquet", "delta"] | None = None
    """Null = Parquet where it is a path, else a table."""

    @property
    def form(self) -> str:
        """Return what it is: `table`, `parquet` or `delta`."""
        is_path = "/" in self.table or self.table.endswith(".parquet")
        return self.format or ("parquet" if is_path else "table")


def _wide(tables: dict[str, Wide]) -> dict[str, Wide]:
    """Refuse what no cluster is asked for, all at once."""
    wrong = [
        "engine: it stands above, outside [cluster]"
        if name == "engine"
        else f"{name}: only {', '.join(WIDE)} are read from a cluster; all else comes as files"
        for name in tables
        if name not in WIDE
    ]
    if wrong:
        raise ValueError("; ".join(wrong))
    _tables({name: wide.columns for name, wide in tables.items()})
    return tables


class Exclude(_Section):
    """A rule of the user's: rows that are understood and shall not count."""

    column: str = Field(description="Column of the file.")
    values: Words = Field(default=(), description="Values that leave a row out; none = any.")
    unless: Words = Field(default=(), description="Values that keep it; all others leave it out.")


class Settings(BaseSettings):
    """Every choice of a run."""

    model_config = SettingsConfigDict(
        env_prefix="CSK_",
        env_nested_delimiter="__",
        enable_decoding=False,
        extra="forbid",
        frozen=True,
    )

    as_of: date | Literal["today"] | None = None
    data_from: date | None = None
    data_through: date | None = None
    late_window: int = Field(default=0, ge=0, le=366)
    """Last days of payments and usage of which more may still come; they are left out."""
    currency: Annotated[str, AfterValidator(_currency)] = ""
    tax: Literal["included", "excluded", "unknown"] = "unknown"
    shipping: Literal["included", "excluded", "unknown"] = "unknown"
    amount_unit: Literal["major", "minor"] | None = None
    """Null = as the export is known to write them, otherwise major."""
    margin_share: float | None = Field(default=None, gt=0, le=1)
    discount_rate: float = Field(default=0.0, ge=0, lt=1, description="A year.")
    ltv_horizon: Months = 36
    risk_horizon: Days = (30, 90, 365)
    grace_days: int = Field(default=1, ge=0, le=90)
    purchase_within_days: int = Field(default=90, gt=0)
    silence_share: float = Field(default=0.10, gt=0, lt=1)
    by: str = "plan"
    csat_scale: int = Field(default=5, ge=3, le=100)
    """Best answer to a CSAT question; the worst is 1."""
    reject_limit: float = Field(default=0.01, ge=0, le=1)
    encoding: str | None = None
    date_order: Literal["dmy", "mdy", "ymd"] | None = None
    tz: str = Field(default="UTC", max_length=100)
    keep: Words = ()
    skip: Words = ()
    """Names or patterns of files in a folder that are left unread."""
    shards: int | None = Field(default=None, gt=0, le=1024)
    columns: Annotated[dict[str, dict[str, str]], AfterValidator(_tables)] = Field(
        default_factory=dict
    )
    """Per table: canonical column -> column of the file."""
    exclude: dict[str, Exclude] = Field(default_factory=dict)
    """By name of a rule: rows to leave out beside those that csk leaves out by itself."""
    targets: dict[str, float] = Field(default_factory=dict)
    """By metric: what `csk kpi` holds its value against."""
    connections: dict[str, SecretStr] = Field(default_factory=dict)
    """By name: the addresses of databases, for `sql:` and `sql@name:`."""
    engine: SecretStr | None = None
    """The address of a cluster, `sc://host:port`; it may hold a token."""
    cluster: Annotated[
        dict[str, Annotated[Wide, BeforeValidator(_place)]], AfterValidator(_wide)
    ] = Field(default_factory=dict)
    """By table: where on the cluster it lies."""
    tiers: Tiers = Tiers()
    rfm: Rfm = Rfm()
    stages: Stages = Stages()
    usage: Usage = Usage()
    milestones: tuple[Milestone, ...] = ()
    risk: Risk = Risk()
    contact: Contact = Contact()
    control: Control = Control()
    alerts: Alerts = Alerts()


def config_file(start: Path) -> Path | None:
    """Return the csk.toml nearest to `start`, upwards; None where there is none."""
    for folder in (start, *start.parents):
        if (folder / CONFIG_NAME).is_file():
            return folder / CONFIG_NAME
    return None


def settings(flags: dict[str, Any], config: Path | None) -> Settings:
    """Return the settings of a run; UsageError lists everything that is wrong at once."""
    try:
        if config is not None and config.stat().st_size > _LONGEST_FILE:
            raise UsageError(f"{config} is larger than 1 MB, which no settings file is.")
        return _loaded({name: value for name, value in flags.items() if value is not None}, config)
    except RecursionError:
        raise UsageError(f"{config} has values inside values without end.") from None
    except ValidationError as error:
        raise UsageError(
            "The settings cannot be understood.",
            details=list(dict.fromkeys(_told(one) for one in error.errors())),
            hint="They come from flags, CSK_* variables" + (f" and {config}." if config else "."),
        ) from error
    except OSError as error:
        raise UsageError(f"{config} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise UsageError(f"{config} is not valid TOML: {error}.") from error


def _loaded(flags: dict[str, Any], config: Path | None) -> Settings:
    class Configured(Settings):
        """Settings bound to one csk.toml."""

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            # Flags, then variables, then csk.toml; no .env and no folder of secrets.
            del dotenv_settings, file_secret_settings
            return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, config)

    return Configured(**flags)


def _told(error: Any) -> str:  # noqa: ANN401 # pydantic's ErrorDetails has no exported type
    # Where a value may be of several types, pydantic adds the type to the place.
    places = [str(part) for part in error["loc"] if "[" not in str(part) and part != "date"]
    where = ".".join(places) or "settings"
    if error["type"] == "extra_forbidden":
        named = [str(part) for part in error["loc"]]
        known = list(Settings.model_fields) if len(named) == 1 else []
        return f"{'.'.join(named)}: no such setting{_meant(named[-1], known)}"
    said = error["msg"].removeprefix("Value error, ").removeprefix("Input ")
    given = error["input"]
    is_secret = places[:1] in (["connections"], ["engine"])
    is_plain = isinstance(given, str | int | float | list) and not is_secret
    shown = f" (it is {given!r})" if is_plain else ""
    return f"{where}: {said}" if error["type"] == "value_error" else f"{where}: {said}{shown}"
