"""The customers table: invented companies, their owners on our side, regions, channels.

One rule: every name is put together by chance from common words; none is meant to be a real firm.
"""

import numpy as np
import polars as pl

from csk.simulation.contracts import customer_ids, named
from csk.simulation.log import Ints

STEMS = (
    *("青空", "若葉", "朝霧", "白樺", "夕凪", "銀河", "木漏日", "山吹", "春風", "深緑"),
    *("Aozora", "Wakaba", "Brook", "Meadow", "Harbour", "ヒカリ", "ミナト", "そよかぜ"),
)
TRADES = ("食品", "商事", "設計", "印刷", "物流", "園芸", "デザイン", "Foods", "Works", "Trading")
OWNERS = ("佐藤", "鈴木", "高橋", "田中", "Emma", "Liam")
REGIONS = ("関東", "関西", "東海", "九州", "北海道")
CHANNELS = ("web", "referral", "partner", "outbound")
CHANNEL_COSTS = (8_000, 3_000, 15_000, 30_000)
"""Mean cost of winning a customer, whole yen."""


def customers(
    rng: np.random.Generator, first: int, first_day: Ints, plan: Ints, plans: tuple[str, ...]
) -> pl.DataFrame:
    """Return one row per customer; `first_day` is the day registered, `plan` an index or -1."""
    n = first_day.size
    channel = rng.integers(0, len(CHANNELS), n)
    spread = np.exp(rng.normal(0, 0.3, n))
    rows = pl.DataFrame(
        {
            "at": np.arange(n),
            "created_on": first_day,
            "channel_no": channel,
            "plan_no": plan,
            "cac_amount": np.rint(np.asarray(CHANNEL_COSTS)[channel] * spread).astype(np.int64),
            "stem": rng.integers(0, len(STEMS), n),
            "trade": rng.integers(0, len(TRADES), n),
            "form": rng.integers(0, 3, n),
            "owner_no": rng.integers(0, len(OWNERS), n),
            "region_no": rng.integers(0, len(REGIONS), n),
        }
    )
    return rows.select(
        customer_ids(first),
        created_on=pl.col("created_on").cast(pl.Int32).cast(pl.Date),
        channel=named(CHANNELS, "channel_no"),
        plan=named(plans, "plan_no"),
        cac_amount="cac_amount",
        company_name=company_names(),
        owner=named(OWNERS, "owner_no"),
        region=named(REGIONS, "region_no"),
    )


def company_names() -> pl.Expr:
    """Return names such as 株式会社青空食品, 若葉商事株式会社 and Brook Foods Ltd."""
    stem, trade = named(STEMS, "stem"), named(TRADES, "trade")
    whole = pl.concat_str(stem, trade)
    return (
        pl.when(pl.col("form") == 0)
        .then(pl.concat_str(pl.lit("株式会社"), whole))
        .when(pl.col("form") == 1)
        .then(pl.concat_str(whole, pl.lit("株式会社")))
        .otherwise(pl.concat_str(stem, pl.lit(" "), trade, pl.lit(" Ltd")))
    )
