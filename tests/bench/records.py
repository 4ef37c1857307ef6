"""What was measured, kept as JSON, and the tables that are made of it.

One rule: a table shows all that the JSON holds of its section, so sizes may be measured in
different hours; what another machine has measured goes when this one measures anything.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from measuring import Case, Told, middle, n_bytes, ratio

Record = dict[str, Any]
HEAD = (
    "| job \\| peer | target | CPU ratio | CPU s | peer | wall s | peer | peak MB | peer"
    " | limit, and the share of it reached |"
)
FASTER = 0.34
"""Ratios up to this are told as 1/n."""
RULE = "|---|---|---:|---:|---:|---:|---:|---:|---:|---|"


def record(case: Case, found: dict[str, list[Told]], loads: Sequence[float]) -> Record:
    """Return a case as it is kept."""
    return {
        "section": case.section,
        "key": case.key,
        "job": case.job,
        "rows": case.n_rows,
        "customers": case.n_customers,
        "on": datetime.now(tz=UTC).date().isoformat(),
        "load": [round(min(loads), 1), round(max(loads), 1)],
        "programs": {name: [asdict(run) for run in runs] for name, runs in found.items()},
        "bytes": {
            name: n_bytes(path)
            for program in case.programs
            for name, path in program.leaves.items()
        },
        "pairs": [asdict(pair) for pair in case.pairs],
        "words": case.words,
        "bounds": {name: asdict(bounds) for name, bounds in case.bounds.items()},
        "limits": case.limits,
    }


def kept(path: Path, machine: str) -> Record:
    """Return what was measured on this machine before."""
    nothing: Record = {"machine": machine, "versions": {}, "records": []}
    if not path.exists():
        return nothing
    found: Record = json.loads(path.read_text(encoding="utf-8"))
    return found if found["machine"] == machine else nothing


def write(path: Path, whole: Record) -> None:
    """Keep what was measured."""
    path.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def put(whole: Record, new: Record) -> None:
    """Put a record where the one of the same job and size stands, or at its place."""
    same = ("section", "key", "rows", "customers")
    others = [one for one in whole["records"] if any(one[name] != new[name] for name in same)]
    whole["records"] = [*others, new]


def rows(of: Record) -> list[str]:
    """Return the rows of one case."""
    found = {name: [_run(run) for run in runs] for name, runs in of["programs"].items()}
    lines, shown = [], set()
    for pair in of["pairs"]:
        mine, peer = found[pair["mine"]], found[pair["peer"]]
        times = ratio(mine, peer)
        bounds = [] if pair["mine"] in shown else _bounds(of, pair["mine"], mine)
        shown.add(pair["mine"])
        target = _target(times, pair["most"], bounds)
        label = f"{of['words'].get(pair['mine'], of['job'])} \\| {pair['peer']}"
        lines.append(_line(label, target, _ratio(times), mine, peer, _limit(of, pair, found)))
    for name in of["bounds"]:
        if name not in shown:
            mine = found[name]
            asked = _bounds(of, name, mine)
            label = of["words"].get(name, of["job"])
            lines.append(_line(label, _target(0.0, None, asked), "", mine, [], ""))
    return lines


def _run(kept_run: Record) -> Told:
    return Told(**{**kept_run, "answer": tuple(kept_run["answer"])})


def _line(
    label: str, target: str, times: str, mine: list[Told], peer: list[Told], limit: str
) -> str:
    cells = [label, target, times]
    for name, form in (("cpu", ".2f"), ("wall", ".1f"), ("memory_mb", ",.0f")):
        cells += [format(middle(side, name), form) if side else "" for side in (mine, peer)]
    return "| " + " | ".join([*cells, limit]) + " |"


def _ratio(times: float) -> str:
    return f"**{times:.2f}**" if times > FASTER else f"**1/{1 / times:.3g}**"


def _bounds(of: Record, name: str, runs: list[Told]) -> list[tuple[str, bool]]:
    bounds = of["bounds"].get(name, {})
    held = (("cpu", "< {:g} s"), ("memory_mb", "< {:,.0f} MB"))
    return [
        (form.format(bounds[figure]), max(getattr(run, figure) for run in runs) > bounds[figure])
        for figure, form in held
        if bounds.get(figure) is not None
    ]


def _target(times: float, most: float | None, bounds: list[tuple[str, bool]]) -> str:
    asked = list(bounds)
    if most is not None:
        words = f"≤ {most:g}" if most > FASTER else f"≤ 1/{1 / most:.3g}"
        asked.insert(0, (words, times > most))
    words = ", ".join(text for text, _ in asked) or "shown"
    return f"{words}, **missed**" if any(missed for _, missed in asked) else words


def _limit(of: Record, pair: Record, found: dict[str, list[Told]]) -> str:
    if pair["mine"] not in of["limits"]:
        return ""
    mine = found[pair["mine"]]
    return "; ".join(
        f"{words}: {middle(found[name], 'cpu'):.2f} s, {1 / ratio(mine, found[name]):.0%}"
        for name, words in of["limits"][pair["mine"]]
    )


def table(records: Iterable[Record]) -> str:
    """Return the table of a section, by job and size."""
    lines = [line for of in records for line in rows(of)]
    return "\n".join([HEAD, RULE, *lines])


def growth(records: Iterable[Record], program: str = "csk") -> str:
    """Return CPU by row and peak of memory by size, against the smallest size."""
    sized = sorted(records, key=lambda of: (of["rows"], -of["customers"]))
    lines = [
        "| rows | customers | CPU s | CPU µs a row | to the smallest | target | peak MB |",
        "|---:|---:|---:|---:|---:|---|---:|",
    ]
    first = None
    for of in sized:
        n_rows = of["rows"]
        runs = [_run(run) for run in of["programs"][program]]
        each = middle(runs, "cpu") / n_rows
        first = first or each
        missed = ", **missed**" if each > 1.3 * first else ""
        lines.append(
            f"| {n_rows:,} | {of['customers']:,} | {middle(runs, 'cpu'):.2f} | {each * 1e6:.2f}"
            f" | **{each / first:.2f}** | ≤ 1.3{missed} | {middle(runs, 'memory_mb'):,.0f} |"
        )
    return "\n".join(lines)


def footer(whole: Record, records: Sequence[Record]) -> str:
    """Say what was measured on, with what, when, and how often."""
    loads = [load for of in records for load in of["load"]]
    turns = [len(runs) for of in records for runs in of["programs"].values()]
    days = sorted({of["on"] for of in records})
    on = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    used = "; ".join(
        f"{name}: " + ", ".join(f"{package} {number}" for package, number in found.items())
        for name, found in whole["versions"].items()
        if found
    )
    often = f"{min(turns)}" if min(turns) == max(turns) else f"{min(turns)} to {max(turns)}"
    return (
        f"Measured on {whole['machine']}, {on}, beside a load of {min(loads):g} to"
        f" {max(loads):g}; medians of {often} runs in turn. {used}."
    )


def marked(page: str, name: str, text: str) -> str:
    """Return a page with other text between the marks of a name; KeyError where it has none."""
    begin, end = f"<!-- measured: {name} -->", f"<!-- end: {name} -->"
    head, mark, rest = page.partition(begin)
    _, stop, tail = rest.partition(end)
    if not mark or not stop:
        raise KeyError(begin)
    return f"{head}{begin}\n\n{text}\n\n{end}{tail}"
