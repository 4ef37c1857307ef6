"""The pages of `csk explain` without files: what metrics mean, and how vendors mean them.

One rule: everything said here stands in the definitions; nothing is worded twice.
"""

from csk.definitions import (
    Definition,
    Preset,
    Term,
    Variant,
    definitions,
    glossary,
    presets,
)
from csk.reports.blocks import Block, Figure, Figures, Grid, GridColumn, Heading, Note, Report
from csk.reports.figures import NOTHING
from csk.text import DEFAULT, Words


def catalogue(say: Words, language: str = DEFAULT) -> Report:
    """Return the list of all metrics and presets."""
    metrics = definitions()
    words = [one.words[language] for one in metrics]
    blocks: list[Block] = [
        _facts(
            [(m.metric_id, f"{w.label}: {w.formula}") for m, w in zip(metrics, words, strict=True)]
        ),
        Heading(say("explain.presets")),
        _facts([(one.name, _changes(one, say)) for one in presets()]),
        Note(say("explain.how")),
    ]
    return Report(
        title=say("explain.title"),
        first_line=say("explain.count", n=str(len(metrics))),
        blocks=tuple(blocks),
        data={
            "metrics": [plain(one) for one in metrics],
            "presets": [plain_preset(one) for one in presets()],
        },
    )


def page(metric: Definition, name: str, say: Words, language: str = DEFAULT) -> Report:
    """Return what one metric means; with the name of a preset, how that means it."""
    blocks = definition_blocks(metric, name, say, language)  # the first is the title
    vendor = next((one for one in presets() if one.name == name), None)
    if vendor is not None:
        blocks += preset_blocks(vendor, say)
    return Report(
        title=metric.words[language].label,
        first_line=_first_line(metric, name, say),
        blocks=tuple(blocks[1:]),
        data=plain(metric, name) | ({"preset": plain_preset(vendor)} if vendor else {}),
    )


def book_of_metrics(say: Words, language: str = DEFAULT) -> Report:
    """Return all definitions and presets in full: the page of the documentation."""
    blocks: list[Block] = [Note(say("explain.made"))]
    for metric in definitions():
        blocks += definition_blocks(metric, "", say, language)
    for one in presets():
        blocks += [
            Heading(say("explain.preset_of", title=one.title), 1),
            *preset_blocks(one, say)[1:],
        ]
    return Report(
        title=say("explain.title"),
        first_line=say("explain.count", n=str(len(definitions()))),
        blocks=tuple(blocks),
        data={"metrics": [plain(one) for one in definitions()]},
    )


def definition_blocks(metric: Definition, name: str, say: Words, language: str) -> list[Block]:
    """Return the blocks of one definition, its heading first."""
    words = metric.words[language]
    facts = [
        (say("explain.means"), words.definition),
        (say("explain.formula"), words.formula),
        (f"--preset {name}", _variant(metric.presets[name]) if name in metric.presets else ""),
        *(
            (say(f"explain.in_{code}"), f"{other.label}: {other.definition}")
            for code, other in metric.words.items()
            if code != language
        ),
        (say("explain.id"), f"{metric.definition_id(name)}, {say(f'explain.unit_{metric.unit}')}"),
        (say("explain.grain"), metric.grain),
        (say("explain.options"), ", ".join(metric.options)),
        (say("explain.empty"), words.empty),
        (say("explain.estimate"), say("explain.estimate_yes") if metric.is_estimate else ""),
    ]
    found: list[Block] = [
        Heading(words.label, 1),
        _facts([(label, text) for label, text in facts if text]),
        terms_grid(metric.under(name), say, language),
    ]
    if metric.presets:
        found += [
            Heading(say("explain.presets"), 2),
            _facts([(other, _variant(of)) for other, of in metric.presets.items()]),
        ]
    if metric.references:
        found += [
            Heading(say("explain.references"), 2),
            _facts([(one.by, f"{one.title}. {one.says}") for one in metric.references]),
        ]
    return found


def terms_grid(variant: Variant, say: Words, language: str, values: tuple[str, ...] = ()) -> Grid:
    """Return numerator and denominator term by term; `values` are what the terms come to."""
    sides = [
        *((say("explain.numerator"), term) for term in variant.numerator),
        *((say("explain.denominator"), term) for term in variant.denominator),
    ]
    rows = tuple(
        (side, str(term), glossary()[term.name][language], *values[position : position + 1])
        for position, (side, term) in enumerate(sides)
    )
    columns = (
        GridColumn(say("explain.side")),
        GridColumn(say("explain.term"), priority=1),
        GridColumn(say("explain.what")),
        *((GridColumn(say("explain.value"), "right"),) if values else ()),
    )
    keys = ("side", "term", "what", *(("value",) if values else ()))
    return Grid("", columns, rows, keys)


def preset_blocks(vendor: Preset, say: Words) -> list[Block]:
    """Return what a vendor's documentation says, decision by decision, its heading first."""
    options = ", ".join(f"{name} = {value}" for name, value in vendor.options.items())
    facts = [
        (say("explain.preset"), f"--preset {vendor.name}"),
        (say("explain.movements"), options or NOTHING),
        (say("explain.changes"), _changes(vendor, say)),
    ]
    for one in vendor.decisions:
        recorded = "" if one.is_applied else f" {say('explain.recorded')}"
        facts.append((one.about, f"{one.says} ({one.source}){recorded}"))
    return [Heading(say("explain.preset_of", title=vendor.title)), _facts(facts)]


def plain(metric: Definition, name: str = "") -> dict[str, object]:
    """Return a definition as plain JSON types, under a preset."""
    variant = metric.under(name)
    return {
        "metric_id": metric.metric_id,
        "definition_id": metric.definition_id(name),
        "unit": metric.unit,
        "grain": metric.grain,
        "is_estimate": metric.is_estimate,
        "numerator": [str(term) for term in variant.numerator],
        "denominator": [str(term) for term in variant.denominator],
        "options": list(metric.options),
        "words": {
            code: {
                "label": words.label,
                "definition": words.definition,
                "formula": words.formula,
                "empty": words.empty or None,
            }
            for code, words in metric.words.items()
        },
        "presets": {
            other: {
                "numerator": [str(term) for term in of.numerator],
                "denominator": [str(term) for term in of.denominator],
                "says": of.says,
            }
            for other, of in metric.presets.items()
        },
        "references": [
            {"by": one.by, "title": one.title, "says": one.says} for one in metric.references
        ],
    }


def plain_preset(vendor: Preset) -> dict[str, object]:
    """Return a preset as plain JSON types."""
    return {
        "name": vendor.name,
        "title": vendor.title,
        "options": dict(vendor.options),
        "decisions": [
            {
                "about": one.about,
                "says": one.says,
                "source": one.source,
                "is_applied": one.is_applied,
            }
            for one in vendor.decisions
        ],
    }


def _first_line(metric: Definition, name: str, say: Words) -> str:
    parts = [metric.definition_id(name), say(f"explain.unit_{metric.unit}")]
    if name:
        title = next((one.title for one in presets() if one.name == name), name)
        differs = name in metric.presets
        parts.append(say("explain.as_preset" if differs else "explain.as_default", title=title))
    return " · ".join(parts)


def _facts(facts: list[tuple[str, str]]) -> Figures:
    """Return prose under names, which wraps where a cell of a table would be cut."""
    return Figures(tuple(Figure(label, "", text) for label, text in facts))


def _changes(vendor: Preset, say: Words) -> str:
    changed = [one.metric_id for one in definitions() if vendor.name in one.presets]
    return ", ".join(changed) or say("explain.movements_only")


def _variant(of: Variant) -> str:
    sides = [_sum(side) for side in (of.numerator, of.denominator) if side or side is of.numerator]
    divided = " / ".join(f"({side})" if " " in side else side for side in sides)
    return f"{of.says} {divided}"


def _sum(terms: tuple[Term, ...]) -> str:
    """Return terms as a sum: `customers.churn - customers.reactivation`."""
    text = " ".join(f"{'+' if term.sign > 0 else '-'} {term.name}" for term in terms)
    return text.removeprefix("+ ") or NOTHING
