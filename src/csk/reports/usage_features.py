"""Features and first days in the report of `csk usage`.

One rule: that leaving goes with not using something is called what it is, and never a cause.
"""

from math import isfinite

from csk.analyses.usage import UsageTrends
from csk.models.adoption import FeatureHazard
from csk.models.onboarding import AFTER_DAYS, LEAST_EACH, Onboarding, Side
from csk.reports.blocks import Block, Grid, GridColumn, Heading, Note, Tone
from csk.reports.figures import NOTHING, amount, count, number, share
from csk.stats.stratified import LEAST_EVENTS
from csk.text import Words

MOST_FEATURES = 10
_FEW = 0.05


def features(result: UsageTrends, say: Words) -> list[Block]:
    """Return how many use what their plan has, the least used first."""
    heading = Heading(say("usage.features"))
    if not result.features:
        return [heading, Note(say("usage.no_features"))]
    shown = result.features[:MOST_FEATURES]
    has_money, currency = result.book.is_contractual, result.book.currency
    rows = tuple(
        (
            one.feature,
            count(one.n_entitled),
            count(one.n_entitled - one.n_using),
            share(one.n_using / one.n_entitled, 0),
            *((amount(one.mrr_unused_amount, currency),) if has_money else ()),
        )
        for one in shown
    )
    names = ("feature", "entitled", "unused", "adoption", *(("mrr_unused",) if has_money else ()))
    columns = tuple(
        GridColumn(
            say(f"usage.short_{name}"),
            "left" if name == "feature" else "right",
            bar=name == "adoption",
        )
        for name in names
    )
    bars = tuple(one.n_using / one.n_entitled for one in shown)
    key = "usage.features_told" if result.told_plans else "usage.features_caption"
    grid = Grid("", columns, rows, names, bars=bars, caption=say(key))
    return [heading, grid, *_more(len(result.features) - len(shown), say)]


def _more(n: int, say: Words) -> list[Block]:
    return [Note(say("usage.more_features", n=count(n)))] if n > 0 else []


def hazards(result: UsageTrends, say: Words) -> list[Block]:
    """Return the features that who does not use them leaves sooner, by how much."""
    if not result.book.is_contractual:
        return []
    heading = Heading(say("usage.hazards"))
    known = [one for one in result.hazards if isfinite(one.ratio.value)]
    if not known:
        return [heading, Note(say("usage.no_hazards", n=str(LEAST_EVENTS)))]
    shown = known[:MOST_FEATURES]
    rows = tuple(_hazard(one, say) for one in shown)
    names = ("feature", "hazard_with", "hazard_without", "ratio", "ratio_interval", "p_adjusted")
    drop = {"hazard_with": 2, "hazard_without": 1}
    columns = tuple(
        GridColumn(
            say(f"usage.short_{name}"),
            "left" if name == "feature" else "right",
            priority=drop.get(name, 0),
        )
        for name in names
    )
    tones: tuple[Tone, ...] = tuple(
        "warn" if one.ratio.low > 1 and one.p_adjusted < _FEW else "plain" for one in shown
    )
    caption = say("usage.hazards_caption", n=count(len(known)), landmarks=count(result.n_landmarks))
    grid = Grid("", columns, rows, names, tones=tones, caption=caption)
    n_unknown = len(result.hazards) - len(known)
    notes: list[Block] = [*_more(len(known) - len(shown), say)]
    if n_unknown:
        notes.append(Note(say("usage.few_left", n=count(n_unknown), least=str(LEAST_EVENTS))))
    return [heading, grid, *notes]


def _hazard(one: FeatureHazard, say: Words) -> tuple[str, ...]:
    ratio = one.ratio
    return (
        one.feature,
        share(one.left_with / one.n_with if one.n_with else None, 2),
        share(one.left_without / one.n_without if one.n_without else None, 2),
        say("usage.times", n=number(ratio.value)),
        say("line.between", low=number(ratio.low), high=number(ratio.high)),
        number(one.p_adjusted, 3),
    )


def milestones(result: UsageTrends, say: Words) -> list[Block]:
    """Return who gets done what in the first days, and who of those stays."""
    heading = Heading(say("usage.onboarding"))
    if not result.onboarding:
        return [heading, Note(say("usage.no_milestones"))]
    rows = tuple(_milestone(one, say) for one in result.onboarding)
    names = ("milestone", "what", "by_day", "n_new", "reached", "reached_interval", "median")
    drop = {"what": 2, "n_new": 1}
    columns = tuple(
        GridColumn(
            say(f"usage.short_{name}"),
            "left" if name in ("milestone", "what") else "right",
            priority=drop.get(name, 0),
        )
        for name in names
    )
    grid = Grid("", columns, rows, names, caption=say("usage.onboarding_caption"))
    return [heading, grid, *_stays(result, say)]


def _milestone(one: Onboarding, say: Words) -> tuple[str, ...]:
    asked = one.milestone
    what = say("usage.what", n=f"{asked.count:g}", feature=asked.feature or say("usage.anything"))
    known = isfinite(one.share)
    return (
        one.name,
        what,
        say("usage.day", n=count(asked.within_days)),
        count(one.n),
        share(one.share) if known else NOTHING,
        say("line.between", low=share(one.low), high=share(one.high)) if known else NOTHING,
        NOTHING if one.median_days is None else say("usage.days", n=count(one.median_days)),
    )


def _stays(result: UsageTrends, say: Words) -> list[Block]:
    sides = [(one, side) for one in result.onboarding for side in one.sides]
    if not result.book.is_contractual or not sides:
        return []
    days = [d for d in AFTER_DAYS if any(d == at.days for _, side in sides for at in side.stays)]
    if not days:
        return []
    rows = tuple(
        (
            one.name,
            say("usage.done" if side.is_done else "usage.not_done"),
            count(side.n),
            *(_share(side, d) for d in days),
            number(one.p_value, 3) if isfinite(one.p_value) and side.is_done else "",
        )
        for one, side in sides
    )
    columns = (
        GridColumn(say("usage.short_milestone")),
        GridColumn(say("usage.short_side")),
        GridColumn(say("usage.short_customers"), "right"),
        *(
            GridColumn(
                say("usage.after_days", n=str(d)), "right", priority=2 if d in days[:1] else 0
            )
            for d in days
        ),
        GridColumn(say("usage.short_p"), "right", priority=1),
    )
    keys = ("milestone", "is_done", "n", *(f"stay_{d}d" for d in days), "p_value")
    caption = say("usage.stays_caption", n=str(LEAST_EACH))
    return [Heading(say("usage.stays")), Grid("", columns, rows, keys, caption=caption)]


def _share(side: Side, days: int) -> str:
    for at in side.stays:
        if at.days == days:
            return share(at.share)
    return NOTHING
