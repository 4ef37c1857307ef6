"""Customers by name: how likely they leave, what is at stake, and the reasons in words.

One rule: a reason shows the customer's figure beside that of its plan, in the units of people.
"""

from math import exp, isfinite
from typing import Any, Final

from csk.analyses.churn_risk import ChurnRisk
from csk.models.risk.listing import to_look_at
from csk.reports.blocks import Block, Grid, GridColumn, Heading
from csk.reports.figures import NOTHING, amount, number, share
from csk.reports.wording import running
from csk.settings import Settings
from csk.text import Words

N_REASONS: Final = 3
_RATIOS: Final = frozenset(
    {
        *("usage_to_previous", "usage_to_baseline", "seats_change_180d"),
        *("price_to_list", "mrr_change_28d", "mrr_change_180d"),
    }
)
"""Features that are logs of ratios; people read them as changes in per cent."""
_SHARES: Final = frozenset({"top_feature_share_28d"})
_MONEY: Final = frozenset({"mrr"})
_DECIMALS_BELOW: Final = 10
_SIGNS: Final = {"up": "+", "down": "-"}


def customers(result: ChurnRisk, settings: Settings, say: Words, top: int) -> list[Block]:
    """Return the `top` customers with up to three reasons each, one a line."""
    found = to_look_at(result.customers, top, result.horizons.retained_days)
    if not found:
        return []
    keep = [name for name in settings.keep if name in result.customers.columns]
    days, has_change = result.horizons.retained_days, _has_change(result)
    has_why = any(row.get("reason_1") is not None for row in found)
    of = "" if result.book.is_contractual else "_all"
    rows: list[tuple[str, ...]] = []
    for row in found:
        first = _figures(row, keep, result, say, has_change=has_change)
        if not has_why:
            rows.append(first)
            continue
        why = reasons(row, result.book.currency, say) or [""]
        rows.append((*first, why[0]))
        rows += [(*("" for _ in first), one) for one in why[1:]]
    columns = (
        GridColumn(say("risk.customer")),
        *(GridColumn(name) for name in keep),
        GridColumn(say("risk.risk", days=str(days)), "right"),
        *((GridColumn(say("risk.change"), "right", priority=1),) if has_change else ()),
        GridColumn(say("risk.at_risk"), "right"),
        GridColumn(say("risk.brings"), "right", priority=2),
        *((GridColumn(say(f"risk.why{of}")),) if has_why else ()),
    )
    # A caption explains what is shown, and nothing that is not.
    caption = [say("risk.top_caption", days=str(days))]
    caption += [say(f"risk.top_caption_why{of}")] if has_why else []
    caption += [say("risk.top_caption_change")] if has_change else []
    return [Heading(say("risk.top")), Grid("", columns, tuple(rows), caption=running(caption, say))]


def _figures(
    row: dict[str, Any], keep: list[str], result: ChurnRisk, say: Words, *, has_change: bool
) -> tuple[str, ...]:
    currency, risk = result.book.currency, f"p_churn_{result.horizons.retained_days}d"
    brings = amount(row["net_benefit_amount"], currency)
    return (
        str(row["customer_id"]),
        *(str(row[name] or "") for name in keep),
        share(row[risk]),
        *((_points(row["p_churn_change"]),) if has_change else ()),
        amount(row["value_at_risk"], currency),
        say("risk.left_alone") if row.get("is_control") else brings,
    )


def _has_change(result: ChurnRisk) -> bool:
    if "p_churn_change" not in result.customers.columns:
        return False
    return result.customers["p_churn_change"].null_count() < result.customers.height


def _points(change: float | None) -> str:
    return NOTHING if change is None else f"{100 * change:+.1f}"


def reasons(row: dict[str, Any], currency: str, say: Words) -> list[str]:
    """Return the reasons of a customer in words, the one that counts most first.

    What raises the risk opens with +, what lowers it with -.
    """
    found = []
    for place in range(1, N_REASONS + 1):
        group = row.get(f"reason_{place}")
        if group is None:
            continue
        sign = _SIGNS.get(row.get(f"reason_{place}_direction") or "", "+")
        found.append(f"{sign} {_reason(row, place, group, currency, say)}")
    return found


def _reason(row: dict[str, Any], place: int, group: str, currency: str, say: Words) -> str:
    if group == "plan":
        return say("risk.reason_plan", plan=str(row.get("plan") or NOTHING))
    name = row.get(f"reason_{place}_feature") or group
    value, median = row.get(f"reason_{place}_value"), row.get(f"reason_{place}_median")
    label = feature_name(name, say)
    if value is None:
        return say("risk.reason_unknown", what=label)
    told = feature_value(name, value, currency)
    if median is None:
        return say("risk.reason_alone", what=label, value=told)
    return say("risk.reason", what=label, value=told, median=feature_value(name, median, currency))


def feature_name(name: str, say: Words) -> str:
    """Return what people call a feature or a group; one without words goes by its name."""
    for key in (f"risk.feature.{name}", f"risk.group.{name}"):
        if key in say.keys:
            return say(key)
    return name


def feature_value(name: str, value: float, currency: str) -> str:
    """Return a value of a feature as people read it."""
    if not isfinite(value):
        return NOTHING
    if name in _RATIOS:
        return f"{exp(min(value, 20.0)) - 1:+.0%}"
    if name in _SHARES:
        return share(value, 0)
    if name in _MONEY:
        return amount(value * 10_000, currency)
    is_whole = abs(value - round(value)) < 1e-9  # noqa: PLR2004 # a float that stands for a count
    return number(value, 0 if is_whole or abs(value) >= _DECIMALS_BELOW else 1)
