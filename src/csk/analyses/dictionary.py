"""The `_dictionary` table: what every table, column, metric and term means.

One rule: it is made of the glossary and the definitions alone, so it is the same for every run.
"""

import polars as pl

from csk.definitions import Definition, Term, Variant, definitions, glossary
from csk.schema import DICTIONARY, OUTPUTS


def dictionary() -> pl.DataFrame:
    """Return the table, in the columns and by the key of `schema.DICTIONARY`."""
    rows = [row for metric in definitions() for row in _metric(metric)]
    for table in OUTPUTS.values():
        rows.append({"entry": "table", "name": table.name, "definition": table.definition})
        rows += [
            {
                "entry": "column",
                "table_name": table.name,
                "name": column.name,
                "kind": column.kind,
                "definition": column.definition,
            }
            for column in table.columns
        ]
    rows += [
        {"entry": "term", "name": name, "definition": said["en"], "definition_ja": said["ja"]}
        for name, said in glossary().items()
    ]
    frame = pl.DataFrame(rows, schema=dict.fromkeys(DICTIONARY.names, pl.String))
    return frame.sort(*DICTIONARY.key, maintain_order=True)


def _metric(metric: Definition) -> list[dict[str, str | None]]:
    """Return the default of a metric, and each preset that reckons it otherwise."""
    return [_row(metric, name, of) for name, of in (("", metric.variant), *metric.presets.items())]


def _row(metric: Definition, name: str, variant: Variant) -> dict[str, str | None]:
    english, japanese = metric.words["en"], metric.words["ja"]
    return {
        "entry": "metric",
        "name": metric.definition_id(name),
        "kind": metric.unit,
        "label": english.label,
        "label_ja": japanese.label,
        "definition": f"{english.definition} {variant.says}".strip(),
        "definition_ja": japanese.definition,
        "numerator": _sum(variant.numerator),
        "denominator": _sum(variant.denominator),
    }


def _sum(terms: tuple[Term, ...]) -> str | None:
    return " ".join(map(str, terms)) or None
