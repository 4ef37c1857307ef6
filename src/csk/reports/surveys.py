"""The report of `csk surveys`: what customers answer, and what it goes with.

One rule: no score without its interval and the number of answers behind it.
"""

from datetime import timedelta
from math import isfinite

from csk.analyses.surveys import DAYS, KINDS, After, Passed, Said, Surveys, Worth
from csk.reports.blocks import Block, Figure, Figures, Grid, GridColumn, Heading, Note, Report, Tone
from csk.reports.figures import NOTHING, amount, count, number, share
from csk.reports.reconciliation import first_line, reconciliation
from csk.reports.surveys_data import plain
from csk.settings import Settings
from csk.stats import scores
from csk.text import Words

FEW_ANSWERS = 30
"""So few answers leave an NPS interval of over 30 points to each side."""
MOST_GROUPS = 20
MOST_SCORES = 5


def report(
    result: Surveys, settings: Settings, say: Words, last: int = 13, basis: str = ""
) -> Report:
    """Put answers into words; the `last` periods are listed, `basis` is that of LTV if told."""
    blocks: list[Block] = [
        *reconciliation(result.book, say),
        *_remarks(result, say),
        *_whole(result, say),
        *_scores(result, say),
        *_periods(result, say, last),
        *_groups(result, say),
        *_after(result, say),
        *_worth(result, say),
    ]
    return Report(
        title=say("surveys.title"),
        first_line=first_line(result.book, settings, basis, say),
        blocks=tuple(blocks),
        data=plain(result, settings),
    )


def points(value: float) -> str:
    """Return an NPS as points with its sign: +32; a dash for NaN."""
    if not isfinite(value):
        return NOTHING
    whole = round(value * 100)
    return f"{whole:+d}" if whole else "0"


def nps_between(of: scores.Figure, say: Words) -> str:
    """Return the interval of an NPS."""
    return say("surveys.between", low=points(of.low), high=points(of.high)) if of.n else NOTHING


def _remarks(result: Surveys, say: Words) -> list[Block]:
    span = result.book.span
    notes = [say(f"note.{key}", day=span.data_from.isoformat()) for key in span.notes]
    for passed in result.outside:
        scale = "0-10" if passed.kind == "nps" else f"1-{result.scale}"
        key = "outside_csat" if passed.kind == "csat" else "outside"
        which = _listed(passed)
        places = {"n": count(passed.n), "kind": passed.kind.upper(), "scale": scale}
        notes.append(say(f"surveys.{key}", **places, scores=which))
    if result.others:
        kinds = ", ".join(f"{one.kind} ({count(one.n)})" for one in result.others)
        notes.append(say("surveys.others", kinds=kinds))
    if result.n_unnamed:
        notes.append(say("surveys.unnamed", n=count(result.n_unnamed)))
    for kind in KINDS:
        n = (result.whole.nps if kind == "nps" else result.whole.csat).n
        if 0 < n < FEW_ANSWERS:
            notes.append(say("surveys.few", n=count(n), kind=kind.upper()))
    return [Note(text, "warn") for text in notes]


def _listed(passed: Passed) -> str:
    shown = ", ".join(f"{score:g}" for score in passed.scores[:MOST_SCORES])
    return f"{shown}, ..." if len(passed.scores) > MOST_SCORES else shown


def _whole(result: Surveys, say: Words) -> list[Block]:
    one = result.whole
    figures = []
    if one.nps.n:
        who = {"n": count(one.nps.n), "customers": count(one.nps_customers)}
        remark = say("surveys.nps_remark", interval=nps_between(one.nps, say), **who)
        figures.append(Figure(say("surveys.nps"), points(one.nps.value), remark))
    if one.csat.n:
        who = {"n": count(one.csat.n), "customers": count(one.csat_customers)}
        between = say("surveys.between", low=share(one.csat.low), high=share(one.csat.high))
        boxes = f"{result.scale - 1}-{result.scale}"
        remark = say("surveys.csat_remark", interval=between, boxes=boxes, **who)
        figures.append(Figure(say("surveys.csat"), share(one.csat.value), remark))
        mean = one.csat_mean
        interval = _mean_interval(mean, say)
        remark = say("surveys.mean_remark", interval=interval, best=str(result.scale))
        figures.append(Figure(say("surveys.mean"), number(mean.value), remark))
    if one.response is not None:
        remark = say(
            "surveys.response_remark",
            n=count(one.response.numerator),
            of=count(one.response.denominator or 0),
        )
        figures.append(Figure(say("surveys.response"), share(one.response.value), remark))
    heading = Heading(
        say(
            "surveys.whole",
            since=result.since.isoformat(),
            until=(result.until - timedelta(1)).isoformat(),
        )
    )
    if not one.nps.n and not one.csat.n:
        return [
            heading,
            Note(say("surveys.nobody")),
            *([Figures(tuple(figures))] if figures else []),
        ]
    return [heading, Figures(tuple(figures))]


def _mean_interval(mean: scores.Figure, say: Words) -> str:
    return say("surveys.between", low=number(mean.low), high=number(mean.high))


def _scores(result: Surveys, say: Words) -> list[Block]:
    """Return how often each NPS score was given, the best first."""
    total = sum(result.scores.values())
    if not total:
        return []
    tones: dict[int, Tone] = dict.fromkeys(range(11), "bad")
    tones |= {7: "plain", 8: "plain", 9: "good", 10: "good"}
    names = {9: "promoter", 10: "promoter", 7: "passive", 8: "passive"}
    order = sorted(result.scores, reverse=True)
    rows = tuple(
        (
            str(score),
            say(f"surveys.{names.get(score, 'detractor')}"),
            count(result.scores[score]),
            share(result.scores[score] / total),
        )
        for score in order
    )
    most = max(result.scores.values())
    columns = (
        GridColumn(say("surveys.score"), "right"),
        GridColumn(say("surveys.class")),
        GridColumn(say("surveys.answers"), "right"),
        GridColumn(say("surveys.share"), bar=True),
    )
    grid = Grid(
        "",
        columns,
        rows,
        ("score", "class", "n", "share"),
        bars=tuple(result.scores[score] / most for score in order),
        tones=tuple(tones[score] for score in order),
    )
    return [Heading(say("surveys.scores")), grid]


def _periods(result: Surveys, say: Words, last: int) -> list[Block]:
    shown = result.periods[-last:]
    if not shown:
        return []
    has_response = any(one.response is not None for one in shown)
    columns, keys = _columns(result, say, has_response=has_response)
    rows = tuple(_chosen((_name(one, result), *_cells(one, say)), result) for one in shown)
    tones: tuple[Tone, ...] = tuple("plain" if one.is_complete else "muted" for one in shown)
    captions = [say("surveys.periods_caption")]
    captions += [say("surveys.response_caption")] if has_response else []
    captions += [] if all(one.is_complete for one in shown) else [say("surveys.incomplete")]
    head = GridColumn(say("surveys.period"))
    width = len(columns)
    grid = Grid(
        "",
        (head, *columns),
        tuple(row[: width + 1] for row in rows),
        ("period_on", *keys),
        tones=tones,
        caption=" ".join(captions),
    )
    return [Heading(say("surveys.periods")), grid]


def _groups(result: Surveys, say: Words) -> list[Block]:
    if not result.groups:
        return []
    shown = result.groups[:MOST_GROUPS]
    columns, keys = _columns(result, say, has_response=False)
    rows = [
        _chosen((one.group or NOTHING, *_cells(one, say)), result)[: len(columns) + 1]
        for one in shown
    ]
    rows.append(
        _chosen((say("surveys.all"), *_cells(result.whole, say)), result)[: len(columns) + 1]
    )
    head = GridColumn(result.by)
    grid = Grid("", (head, *columns), tuple(rows), ("group", *keys), total=True)
    more = len(result.groups) - MOST_GROUPS
    notes = [Note(say("surveys.more_groups", n=count(more)))] if more > 0 else []
    title = say("surveys.groups", by=result.by, since=result.since.isoformat())
    return [Heading(title), grid, *notes]


def _asked(result: Surveys) -> tuple[bool, bool]:
    """Tell whether anybody answered an NPS question, and one of CSAT."""
    every = (result.whole, *result.periods)
    return any(one.nps.n for one in every), any(one.csat.n for one in every)


def _columns(
    result: Surveys, say: Words, *, has_response: bool
) -> tuple[tuple[GridColumn, ...], tuple[str, ...]]:
    has_nps, has_csat = _asked(result)
    names = [*_NPS] if has_nps else []
    names += [*_CSAT] if has_csat else []
    names += ["response"] if has_response else []
    drop = {"promoters": 4, "detractors": 4, "mean": 3, "response": 2, "csat_interval": 1}
    return tuple(
        GridColumn(say(f"surveys.short_{name}"), "right", priority=drop.get(name, 0))
        for name in names
    ), tuple(names)


_NPS = ("n_nps", "promoters", "detractors", "nps", "nps_interval")
_CSAT = ("n_csat", "csat", "csat_interval", "mean")


def _cells(one: Said, say: Words) -> tuple[str, ...]:
    """Return the cells of `_NPS`, `_CSAT` and the response rate."""
    nps, csat = one.nps, one.csat
    return (
        count(nps.n) if nps.n else NOTHING,
        share(one.promoters / nps.n, 0) if nps.n else NOTHING,
        share(one.detractors / nps.n, 0) if nps.n else NOTHING,
        points(nps.value),
        nps_between(nps, say),
        count(csat.n) if csat.n else NOTHING,
        share(csat.value, 0) if csat.n else NOTHING,
        say("surveys.between", low=share(csat.low, 0), high=share(csat.high, 0))
        if csat.n
        else NOTHING,
        number(one.csat_mean.value) if csat.n else NOTHING,
        share(one.response.value, 0) if one.response is not None else NOTHING,
    )


def _chosen(row: tuple[str, ...], result: Surveys) -> tuple[str, ...]:
    """Leave out the cells of a question that nobody answered."""
    has_nps, has_csat = _asked(result)
    nps, csat = row[1 : 1 + len(_NPS)], row[1 + len(_NPS) : -1]
    return (row[0], *(nps if has_nps else ()), *(csat if has_csat else ()), row[-1])


def _after(result: Surveys, say: Words) -> list[Block]:
    if not result.after:
        return []
    days = [day for day in DAYS if any(day == at.days for one in result.after for at in one.gone)]
    if not days:
        return []
    rows = tuple(
        (
            say(f"surveys.{one.group}"),
            count(one.n),
            count(one.n_customers),
            *(_left(one, day, say) for day in days),
        )
        for one in result.after
    )
    columns = (
        GridColumn(say("surveys.class")),
        GridColumn(say("surveys.answers"), "right"),
        GridColumn(say("surveys.customers"), "right", priority=4),
        *(
            GridColumn(say("surveys.days", n=str(day)), "right", priority=3 if day == 180 else 0)  # noqa: PLR2004 # the least missed of the four
            for day in days
        ),
    )
    keys = ("group", "n", "n_customers", *(f"left_{day}d" for day in days))
    grid = Grid("", columns, rows, keys, caption=say("surveys.after_caption"))
    return [Heading(say("surveys.after")), grid]


def _left(one: After, day: int, say: Words) -> str:
    for at in one.gone:
        if at.days == day:
            between = say("surveys.between", low=share(at.low, 0), high=share(at.high, 0))
            return f"{share(at.share)} ({between})"
    return NOTHING


def _worth(result: Surveys, say: Words) -> list[Block]:
    if not result.worth:
        return []
    currency = result.book.currency
    rows = [
        (say(f"surveys.{one.group or 'silent'}"), *_worth_cells(one, currency))
        for one in result.worth
    ]
    whole = Worth(
        "",
        sum(one.n for one in result.worth),
        sum(one.ltv_amount for one in result.worth),
        sum(one.value_at_risk for one in result.worth),
    )
    rows.append((say("surveys.all_alive"), *_worth_cells(whole, currency)))
    columns = (
        GridColumn(say("surveys.last_answer")),
        GridColumn(say("surveys.customers"), "right"),
        GridColumn(say("surveys.ltv_each"), "right"),
        GridColumn(say("surveys.ltv"), "right", priority=1),
        GridColumn(say("surveys.at_risk"), "right"),
    )
    keys = ("group", "n", "ltv_mean", "ltv_amount", "value_at_risk")
    grid = Grid("", columns, tuple(rows), keys, total=True, caption=say("surveys.worth_caption"))
    return [Heading(say("surveys.worth")), grid]


def _worth_cells(one: Worth, currency: str) -> tuple[str, ...]:
    return (
        count(one.n),
        amount(one.ltv_amount / one.n, currency) if one.n else NOTHING,
        amount(one.ltv_amount, currency),
        amount(one.value_at_risk, currency),
    )


def _name(one: Said, result: Surveys) -> str:
    day = one.starts_on
    if day is None:
        return NOTHING
    return f"{day:%Y-%m}" if result.motion.period_months == 1 else day.isoformat()
