"""Who was there at a day in the past, and who of them is there still.

One rule: a contract that changed its kind since then is not told, as no law says of it.
"""

import polars as pl


def still_there(exposures: pl.LazyFrame) -> pl.LazyFrame:
    """Return, by group, term and age at the day from which `exposures` watch, who stayed.

    Of contracts older than a day then: `age`, `n` and `n_after`, those of them that run still.
    """
    whole = exposures.group_by("customer_id", "spell_no").agg(
        pl.col("group", "term_months").first(),
        n=pl.len().cast(pl.Int64),
        age=pl.col("entry_age").min(),
        cause=pl.col("cause").max(),
    )
    return (
        whole.filter(pl.col("n") == 1, pl.col("age") > 0)
        .group_by("group", "term_months", "age")
        .agg(pl.col("n").sum(), n_after=(pl.col("cause") == 0).cast(pl.Int64).sum())
    )
