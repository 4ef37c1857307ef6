"""A made-up report with one of everything, for the goldens of the renderers."""

from math import exp

import pytest

from csk.reports.blocks import (
    Curve,
    Figure,
    Figures,
    Grid,
    GridColumn,
    Heading,
    HeatMap,
    Note,
    Report,
)

MONTHS = tuple(float(month) for month in range(37))
SURVIVAL = tuple(0.42 + 0.58 * exp(-month / 9) for month in MONTHS)

RECONCILIATION = Grid(
    "",
    (
        GridColumn("step"),
        GridColumn("rows", "right"),
        GridColumn("customers", "right", 1),
        GridColumn("revenue", "right"),
    ),
    (
        ("read", "541,909", "4,373", "¥ 9,747,748"),
        ("guests without an id", "-135,080", "", "-¥ 1,447,682"),
        ("malformed", "-12", "", "¥ 0"),
        ("kept", "406,817", "4,372", "¥ 8,300,066"),
    ),
    tones=("plain", "muted", "warn", "plain"),
    total=True,
    caption="The kept total is the one to hold against your ledger.",
)
TIERS = Grid(
    "Touch tiers",
    (
        GridColumn("tier"),
        GridColumn("customers", "right"),
        GridColumn("LTV share", bar=True),
        GridColumn("residual LTV", "right"),
        GridColumn("spend a year", "right", 2),
        GridColumn("LTV:cost", "right", 3),
        GridColumn("mean p_churn 90 d", "right", 4),
    ),
    (
        ("high-touch", "312", "70.0 %", "¥ 127,638,084", "¥ 9,360,000", "13.6", "4.1 %"),
        ("low-touch", "951", "20.0 %", "¥ 36,468,024", "¥ 1,902,000", "19.2", "9.8 %"),
        ("tech-touch", "3,001", "10.0 %", "¥ 18,234,012", "¥ 300,100", "60.8", "22.5 %"),
        ("net <= 0", "108", "0.0 %", "-¥ 12,002", "¥ 0", "", "51.0 %"),
        ("all", "4,372", "100.0 %", "¥ 182,328,118", "¥ 11,562,100", "15.8", "17.2 %"),
    ),
    bars=(0.7, 0.2, 0.1, 0.0, 1.0),
    tones=("good", "plain", "plain", "muted", "plain"),
    total=True,
)
COUNTS = (
    (120, 88, 140, 210, 1402),
    (160, 101, 99, 84, 70),
    (301, 120, 77, 40, 22),
    (402, 190, 60, 12, 4),
    (518, 99, 30, 3, None),
)
RFM = HeatMap(
    "RFM map",
    "recency",
    "frequency",
    ("5 (0-12 d)", "4 (13-30 d)", "3", "2", "1 (>180 d)"),
    ("1", "2", "3", "4", "5"),
    tuple(tuple("" if n is None else f"{n:,}" for n in row) for row in COUNTS),
    tuple(tuple(None if n is None else float(n) for n in row) for row in COUNTS),
    "Ties stay together, so bins differ in size.",
)
AT_RISK = Grid(
    "Most value at risk",
    (
        GridColumn("customer"),
        GridColumn("company name"),
        GridColumn("tier", "left", 2),
        GridColumn("p_churn 90 d", "right"),
        GridColumn("value at risk", "right"),
        GridColumn("", "left", 1, bar=True),
        GridColumn("renewal", "left", 3),
    ),
    (
        (
            "C-00017",
            "株式会社ソフトウェアイノベーション・ホールディングス東日本",
            "high-touch",
            "41.2 %",
            "¥ 4,120,300",
            "",
            "2026-12-01",
        ),
        ("0345", "有限会社山田製作所", "high-touch", "38.0 %", "¥ 2,004,120", "", "2027-01-15"),
        ("C-01002", "Müller | Söhne", "low-touch", "71.9 %", "¥ 1,204,004", "", "2026-11-30"),
        ("C-00008", "ｱﾙﾌｧ商事", "low-touch", "12.4 %", "¥ 604,101", "", ""),
    ),
    bars=(1.0, 0.49, 0.29, 0.147),
)
SURVIVAL_CURVE = Curve(
    "Survival of customers",
    "months as a customer",
    MONTHS,
    SURVIVAL,
    tuple(max(share - 0.02 - 0.001 * t, 0.0) for t, share in enumerate(SURVIVAL)),
    tuple(min(share + 0.02 + 0.001 * t, 1.0) for t, share in enumerate(SURVIVAL)),
)
BY_PLAN = tuple(
    Curve(
        "Survival by plan",
        "months",
        MONTHS[: 37 - 6 * place],
        tuple(exp(-month * (place + 1) / 40) for month in MONTHS)[: 37 - 6 * place],
        group=plan,
    )
    for place, plan in enumerate(("プレミアム", "standard", "basic"))
)
REPORT = Report(
    "csk segment",
    "as of 2026-11-01 · log 2024-11-01 to 2026-10-31 · JPY, tax excluded · basis margin · "
    "LTV over 36 months, risk over 90 days · 12 customers of plan trial excluded",
    (
        Heading("Reconciliation"),
        RECONCILIATION,
        Heading("Value"),
        Figures(
            (
                Figure("customers", "4,372"),
                Figure("residual LTV", "¥ 182,340,120"),
                Figure("unit price", "¥ 4,980"),
                Figure("margin", "62.0 %"),
                Figure("frequency", "1.02 / month"),
                Figure("duration", "18.4 months"),
                Figure("value at risk", "¥ 21,004,331", tone="bad"),
            )
        ),
        Figures(
            (
                Figure(
                    "simple",
                    "¥ 201,112,000",
                    "the formula on plain averages, which ignores who leaves first",
                ),
                Figure("arpa_churn", "¥ 398,000,210", "grows with growth", "warn"),
            )
        ),
        TIERS,
        RFM,
        AT_RISK,
        SURVIVAL_CURVE,
        *BY_PLAN,
        Note(
            "12 rows were malformed: `paid_on` was no date in payments.csv, record 1,204.", "warn"
        ),
        Note("No tier costs in csk.toml: tiers are cut at 70 % and 90 % of cumulative LTV."),
    ),
    {"n_customers": 4372, "tiers": [{"tier": "high-touch", "ltv_share": 0.7}], "会社": "日本"},
)


@pytest.fixture
def report():
    return REPORT
