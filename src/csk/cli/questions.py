"""Options that belong to a question, each once, as an annotated type."""

from pathlib import Path
from typing import Annotated, Literal

import typer

_OUT, _READ, _MODEL, _RUN = "Output", "Reading", "Model", "Running"

Metric = Annotated[
    str | None,
    typer.Argument(
        metavar="[METRIC]", help="Which one; without it all are listed.", show_default=False
    ),
]
PeriodOf = Annotated[
    str | None,
    typer.Option(
        "--period",
        metavar="PERIOD",
        help="Whose value: 2024-05, 2024-Q2 or 2024. (default: the last whole month)",
        rich_help_panel=_MODEL,
    ),
]
Dictionary = Annotated[
    bool,
    typer.Option(
        "--dictionary",
        help="With -o: write what every table, column and metric means.",
        rich_help_panel=_OUT,
    ),
]
AllMetrics = Annotated[
    bool, typer.Option("--all", help="All definitions in full.", rich_help_panel=_OUT)
]
Rfm = Annotated[
    Literal["rank", "fixed", "decile", "abc"] | None,
    typer.Option("--rfm", help="How RFM is scored.", rich_help_panel=_MODEL),
]
Grouped = Annotated[
    str | None,
    typer.Option(
        "--by",
        metavar="COLUMN",
        help="Groups to tell apart: a column of the customers table, or cohort.",
        rich_help_panel=_MODEL,
    ),
]
CohortsOf = Annotated[
    Literal["customers", "revenue", "net"],
    typer.Option(
        "--of",
        help="What a cell is: customers, revenue, or revenue over the first.",
        rich_help_panel=_MODEL,
    ),
]
Compared = Annotated[
    str | None,
    typer.Option(
        "--by",
        metavar="COLUMN",
        help="Groups to compare: plan, or a column of the customers table.",
        rich_help_panel=_MODEL,
    ),
]
FromAge = Annotated[
    int | None,
    typer.Option(
        "--from-age",
        metavar="MONTHS",
        min=0,
        help="Age at which curves begin. (default: 0, or where 30 are watched in a late log)",
        rich_help_panel=_MODEL,
    ),
]
Band = Annotated[
    bool,
    typer.Option(
        "--band", help="Intervals that hold for the whole curve at once.", rich_help_panel=_MODEL
    ),
]
ModelOfStaying = Annotated[
    Literal["cox", "aft", "tails"] | None,
    typer.Option(
        "--model",
        help="Instead of curves: what goes with leaving sooner, as ratios of hazards (cox) or of "
        "times (aft); or laws of staying beyond the data (tails).",
        rich_help_panel=_MODEL,
    ),
]
Covariates = Annotated[
    str | None,
    typer.Option(
        "--covariates",
        metavar="A,B",
        help="With --model cox or aft: plan, usage, columns of the customers table. "
        "(default: plan,channel,usage)",
        show_default=False,
        rich_help_panel=_MODEL,
    ),
]
Attribute = Annotated[
    str | None,
    typer.Option(
        "--by",
        metavar="COLUMN",
        help="Groups to tell apart: a column of the customers table.",
        rich_help_panel=_MODEL,
    ),
]
Benchmark = Annotated[
    Path | None,
    typer.Option(
        "--benchmark",
        metavar="FILE",
        help="CSV to hold figures against: metric_id, value, low, high, source, as_of.",
        rich_help_panel=_READ,
    ),
]
CsatScale = Annotated[
    int | None,
    typer.Option(
        "--csat-scale",
        metavar="N",
        min=3,
        max=100,
        help="Best answer to a CSAT question; the worst is 1. (default: 5)",
        show_default=False,
        rich_help_panel=_READ,
    ),
]
Level = Annotated[
    Literal["customer", "subscription", "product"],
    typer.Option("--level", help="What comes or leaves as one.", rich_help_panel=_MODEL),
]
PeriodLength = Annotated[
    Literal["month", "quarter", "half", "year"],
    typer.Option("--period", help="Length of a period.", rich_help_panel=_MODEL),
]
FiscalYear = Annotated[
    int,
    typer.Option(
        "--year-starts",
        metavar="MONTH",
        min=1,
        max=12,
        help="Month in which the fiscal year begins: 4.",
        rich_help_panel=_MODEL,
    ),
]
From = Annotated[
    str | None,
    typer.Option(
        "--from", metavar="DAY", help="First day of the periods shown.", rich_help_panel=_MODEL
    ),
]
To = Annotated[
    str | None,
    typer.Option(
        "--to", metavar="DAY", help="Day before which they begin.", rich_help_panel=_MODEL
    ),
]
Preset = Annotated[
    str | None,
    typer.Option(
        "--preset",
        metavar="NAME",
        help="Count as a vendor does: chartmogul, stripe, profitwell, recurly, chargebee, "
        "revenuecat, baremetrics.",
        rich_help_panel=_MODEL,
    ),
]
Between = Annotated[
    str | None,
    typer.Option(
        "--between",
        metavar="A,B",
        help="Two definitions: presets, or csk; each with choices of its own, as in "
        "csk,csk+grace_days=30.",
        rich_help_panel=_MODEL,
    ),
]
Against = Annotated[
    Path | None,
    typer.Option(
        "--against",
        metavar="FILE",
        help="Their monthly figures: a column month, and mrr, customers, churn rate ...",
        rich_help_panel=_READ,
    ),
]
TheirZone = Annotated[
    str | None,
    typer.Option(
        "--their-tz",
        metavar="ZONE",
        help="Time zone of their days: Asia/Tokyo. The files are read a second time.",
        rich_help_panel=_MODEL,
    ),
]
Followed = Annotated[
    str | None,
    typer.Option(
        "--metric",
        metavar="NAME",
        help="Figure shown month by month: mrr, nrr. (default: the first that differs)",
        rich_help_panel=_OUT,
    ),
]
Pause = Annotated[
    Literal["movement", "churn", "keep"] | None,
    typer.Option(
        "--pause",
        help="What a pause of a contract is. (default: movement, or as the preset has it)",
        rich_help_panel=_MODEL,
    ),
]
Last = Annotated[
    int,
    typer.Option(
        "--last", metavar="N", min=1, help="Periods listed in the report.", rich_help_panel=_OUT
    ),
]
Previous = Annotated[
    Path | None,
    typer.Option(
        "--previous",
        metavar="FILE",
        help="Earlier Parquet output to compare with. (default: the one in -o)",
        rich_help_panel=_OUT,
    ),
]
WorthBy = Annotated[
    str | None,
    typer.Option(
        "--by",
        metavar="COLUMN",
        help="Groups to tell apart: plan, cohort, tier, stage, cell, segment (of a shop), a column "
        "of the customers table, or none. (default: plan, where there are contracts)",
        rich_help_panel=_MODEL,
    ),
]
Curves = Annotated[
    str | None,
    typer.Option(
        "--curves",
        metavar="COLUMN",
        help="What groups survival: plan, a column of the customers table, or none. "
        "(default: plan)",
        rich_help_panel=_MODEL,
    ),
]
CohortPeriod = Annotated[
    Literal["month", "quarter", "half", "year"],
    typer.Option("--period", help="Length of a cohort.", rich_help_panel=_MODEL),
]
Timing = Annotated[
    Literal["start", "end"],
    typer.Option(
        "--timing",
        help="When a contract's term is paid: at its start, or at its end by those still there.",
        rich_help_panel=_MODEL,
    ),
]
Why = Annotated[
    str | None,
    typer.Option(
        "--why",
        metavar="A:B",
        help="Why LTV differs: between days (2025-01-01:2026-01-01), cohorts (2024:2025) or "
        "groups (plan=Starter:Premium).",
        rich_help_panel=_MODEL,
    ),
]
WhatIf = Annotated[
    str | None,
    typer.Option(
        "--what-if",
        metavar="MOVES",
        help="What moves of the levers are worth: churn=-10%,price=+5%,margin=+2pt,frequency=+1.",
        rich_help_panel=_MODEL,
    ),
]
Backtest = Annotated[
    bool,
    typer.Option(
        "--backtest",
        help="How well LTV was foretold on earlier days, against simpler rules.",
        rich_help_panel=_MODEL,
    ),
]
KeptModel = Annotated[
    Path | None,
    typer.Option(
        "--model",
        metavar="DIR",
        help="Folder of a kept model: score with it, and enter the run into its ledger.",
        show_default=False,
        rich_help_panel=_MODEL,
    ),
]
Refit = Annotated[
    bool,
    typer.Option("--refit", help="With --model: fit anew and keep it.", rich_help_panel=_MODEL),
]
RefitAfter = Annotated[
    str | None,
    typer.Option(
        "--refit-after",
        metavar="DAYS",
        help="With --model: fit anew where the model is that old, or there is none: 30d.",
        rich_help_panel=_MODEL,
    ),
]
RiskBacktest = Annotated[
    bool,
    typer.Option(
        "--backtest",
        help="The validation in full: every earlier day, horizon and model.",
        rich_help_panel=_OUT,
    ),
]
ControlShare = Annotated[
    float | None,
    typer.Option(
        "--control-share",
        metavar="SHARE",
        help="Share of customers left alone, to compare with. (default: 0.1)",
        show_default=False,
        rich_help_panel=_MODEL,
    ),
]
FailOn = Annotated[
    str | None,
    typer.Option(
        "--fail-on",
        metavar="CONDITIONS",
        help="With --model: exit 5, outputs in place, where one holds: "
        "drift,calibration,volume,freshness.",
        rich_help_panel=_RUN,
    ),
]
MetricsFile = Annotated[
    Path | None,
    typer.Option(
        "--metrics-file",
        metavar="FILE",
        help="Write figures of the run for Prometheus: churn_risk.prom.",
        rich_help_panel=_RUN,
    ),
]
LogFormat = Annotated[
    Literal["text", "json"],
    typer.Option(
        "--log-format", help="json: a line on stderr for each stage.", rich_help_panel=_RUN
    ),
]
