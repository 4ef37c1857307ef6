"""Jobs of models: fits, histories, curves and Cox, beside the libraries that do the same.

One rule: a ratio is of the CPU seconds from the opened file to the answer, which every program
tells itself; its whole process, imports and all, is what wall and memory are of.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from measuring import CSK, Bounds, Case, Pair, Program

from bench import Bench, csk_runs, limit

READ = "reading the file"
PRIORS = 10.0
"""How far the mode of n customers may lie from csk's fit, relative, times the root of n."""
SLOW = 1
"""Runs of peers, which take minutes."""


Peers: TypeAlias = Sequence[tuple[str, float | None]]
"""Names, and the most that the ratio to each may be."""


def _fit(
    on: Bench, model: str, histories: Path, n: int, peers: Peers, close: float
) -> tuple[list[Program], list[Pair]]:
    """Return the programs that fit a model on the same histories, and how they compare."""
    runs = {
        "lifetimes": (on.lifetimes, "fit_lifetimes.py"),
        "pymc-marketing": (on.today, "fit_pymc.py"),
        "clvkit": (on.today, "fit_clvkit.py"),
    }
    programs = [Program("csk", csk_runs("fit_csk.py", model, histories))]
    pairs = []
    for name, most in peers:
        python, script = runs[name]
        if python.exists():
            command = [python, *csk_runs(script, model, histories)[1:]]
            programs.append(Program(name, command, most_runs=SLOW))
            # Priors weigh more the fewer they are held against.
            near = max(close, PRIORS / n**0.5) if name == "pymc-marketing" else close
            pairs.append(Pair("csk", name, most, near))
    return [*programs, limit("counts", histories)], pairs


def fits(on: Bench) -> Iterator[Case]:
    """Fits of whole weeks, beside all who fit the same law."""
    others = [("pymc-marketing", None), ("clvkit", None)]
    jobs = (
        ("BG/NBD", "bg_nbd", 1.0, [("lifetimes", 1 / 15), others[0]], 1e-3),
        ("BG/NBD", "bg_nbd", 0.1, [("lifetimes", None), *others], 1e-3),
        ("Pareto/NBD", "pareto_nbd", on.pareto, [("lifetimes", 1 / 40)], 2e-2),
        ("gamma-gamma", "gamma_gamma", 1.0, [("lifetimes", 1 / 10)], 2e-2),
        ("gamma-gamma, none left out", "gamma_gamma", 0.3, [("lifetimes", None), *others], 1e-2),
    )
    for name, model, millions, peers, close in jobs:
        law = "pareto_nbd" if model == "pareto_nbd" else "bg_nbd"
        n = on.n(millions)
        histories = on.made("generate_histories.py", f"{law}-{n}.npz", law, 7, first=(n,))
        programs, pairs = _fit(on, model, histories, n, peers, close)
        job = f"{name}, {n:,} customers, weeks"
        limits = {"csk": [("limit: counts", READ)]}
        yield Case("ltv", name, job, programs, pairs, 0, n, limits=limits)


def many(on: Bench) -> Iterator[Case]:
    """Refits of a bootstrap, and the fit of the most customers; csk alone."""
    n = on.n(1)
    weeks = on.made("generate_histories.py", f"bg_nbd-{n}.npz", "bg_nbd", 7, first=(n,))
    refits = [Program("csk", csk_runs("refit_csk.py", weeks, 200), most_runs=SLOW)]
    yield Case(
        *("ltv", "refits", f"BG/NBD, {n:,} customers, 200 refits", refits, [], 0, n),
        bounds={"csk": Bounds(cpu=120)},
    )
    n = on.n(10)
    days = on.made("generate_histories.py", f"bg_nbd-{n}.parquet", "bg_nbd", 1, first=(n,))
    fit = [Program("csk", csk_runs("fit_many.py", days), most_runs=SLOW)]
    yield Case(
        *("ltv", "most customers", f"BG/NBD, {n:,} customers, days", fit, [], 0, n),
        bounds={"csk": Bounds(cpu=15, memory_mb=2_000)},
    )
    told = [Program("csk", [*CSK, "selftest"])]
    yield Case("ltv", "selftest", "`csk selftest`", told, [], bounds={"csk": Bounds()})


def histories(on: Bench) -> Iterator[Case]:
    """Order lines to (x, t_x, T), with csk's sorting and without."""
    n = on.n(10)
    lines = on.made("generate_purchases.py", f"lines-{n}.parquet", first=(n,))
    stored = lines.with_name(f"sorted-{lines.name}")
    by_lifetimes = [on.lifetimes, *csk_runs("histories_lifetimes.py", lines)[1:]]
    programs = [
        Program("csk", csk_runs("histories_csk.py", lines, "unsorted"), most_runs=SLOW),
        Program("csk, kept", csk_runs("histories_csk.py", stored, "sorted")),
        limit("columns", lines),
    ]
    pairs = []
    if on.lifetimes.exists():
        programs.insert(1, Program("lifetimes", by_lifetimes, most_runs=SLOW))
        pairs.append(Pair("csk", "lifetimes", 1 / 4))
    job = f"{n:,} order lines to (x, t_x, T)"
    yield Case(
        *("ltv", "histories", job, programs, pairs, n, n // 10),
        words={"csk, kept": f"{job}, from the store"},
        bounds={"csk, kept": Bounds()},
        limits={"csk": [("limit: columns", READ)]},
    )


def survival(on: Bench) -> Iterator[Case]:
    """Kaplan-Meier and Cox, beside lifelines and scikit-survival."""
    n = on.n(10)
    spells = on.made("generate_spells.py", f"spells-{n}.parquet", first=(n,))
    plain = spells.with_suffix(".npz")
    for entry, words, most in (
        ("none", "all from age 0", 1 / 3),
        ("late", "a quarter entered late", None),
    ):
        programs = [
            Program("csk", csk_runs("survival_csk.py", spells, entry)),
            Program("lifelines", csk_runs("survival_lifelines.py", spells, entry)),
            limit("counts", plain),
        ]
        pairs = [Pair("csk", "lifelines", most)]
        # It compares every entry with every age: of late entries it would not come to an end.
        if entry == "none" and on.today.exists():
            command = [on.today, *csk_runs("survival_sksurv.py", plain, entry)[1:]]
            programs.insert(2, Program("scikit-survival", command, most_runs=SLOW))
            pairs.append(Pair("csk", "scikit-survival"))
        job = f"Kaplan-Meier, {n:,} spells, {words}"
        limits = {"csk": [("limit: counts", "reading its columns")]}
        yield Case("survival", f"Kaplan-Meier {entry}", job, programs, pairs, n, limits=limits)
    n = on.n(0.2)
    rows = on.made("generate_cox.py", f"cox-{n}.npz", first=(n,))
    programs = [
        Program("csk", csk_runs("cox_csk.py", rows)),
        Program("lifelines", csk_runs("cox_lifelines.py", rows)),
        limit("counts", rows),
    ]
    pairs = [Pair("csk", "lifelines", None, 1e-4)]
    if on.today.exists():
        command = [on.today, *csk_runs("cox_sksurv.py", rows)[1:]]
        programs.insert(2, Program("scikit-survival", command, most_runs=SLOW))
        pairs.append(Pair("csk", "scikit-survival", None, 1e-4))
    job = f"Cox, Efron's ties, {n:,} spells, 4 covariates"
    limits = {"csk": [("limit: counts", READ)]}
    yield Case("survival", "Cox", job, programs, pairs, n, limits=limits)


JOBS: dict[str, Callable[[Bench], Iterator[Case]]] = {
    job.__name__: job for job in (fits, many, histories, survival)
}
