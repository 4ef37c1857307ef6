"""What a file is, from the names of its columns and a look at its values.

Rule: names propose and values dispose: a column is taken for a date only where most of its
values are dates, and a file plays a role only where everything that role needs was found.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import polars as pl

from csk.errors import DataError
from csk.intake.recognition.exports import Known, known
from csk.intake.recognition.lacking import Missing, listed, meant, missing_columns
from csk.intake.recognition.profiles import Profile, Weak, normal, profile, unqualified
from csk.intake.values import casts, ids
from csk.schema import INPUTS, Column, Table

_MOST: Final = 0.5
_DISTINCT: Final = 0.98
_LOOKED_AT: Final = 2_000
_BELIEVED_AFTER: Final = 300
_NEEDED, _WANTED = 3.0, 1.0
_PREFERENCE: Final = ("payments", "subscriptions", *INPUTS)
"""Which role wins and is named where two fit equally well."""


@dataclass(frozen=True)
class Recognition:
    """What a file was taken for, and why."""

    role: str | None
    """A table of `schema.INPUTS`; null = not needed."""

    mapping: Mapping[str, str]
    """Canonical column -> column of the file."""

    unused: tuple[str, ...]
    """Columns of the file that are neither mapped nor personal: attributes, or of no use here."""

    personal: tuple[str, ...]
    """Columns dropped at import."""

    missing: tuple[Missing, ...]
    """What the role (or, where there is none, the nearest one) would still need."""

    score: float
    reason: str
    """Why it has this role, or why it is not needed: one sentence for people."""

    nearest_role: str | None = None
    """Where there is no role: what the file comes nearest to; null where to nothing."""

    notes: tuple[str, ...] = ()
    """What was seen and not believed, or left out on purpose: one sentence each."""

    once_per: str | None = None
    """Column of the file whose rows repeat one whole amount (one row a line of an order): the
    amount counts once for each value of it, on the first row."""

    known: Known | None = None
    """The known export that the file is; null where its columns were found by their names."""

    @property
    def person(self) -> str | None:
        """Return the column with the e-mail address of who has no customer id; null for none."""
        return self.known.found.get(self.known.export.person) if self.known else None


def recognise(
    columns: Sequence[str], sample: pl.DataFrame, names: Profile | None = None
) -> Recognition:
    """Tell which table of `schema.INPUTS` a file is, or that it is not needed.

    `sample` holds some of its rows, as text or typed; 0 rows decide by names alone.
    """
    view = _View(tuple(columns), sample.head(_LOOKED_AT), names or profile())
    export = known(columns)
    results = [column for column in columns if view.profile.is_result(column)]
    if results and export is None:
        return _not_needed(view, f"{results[0]!r} is a result or a truth, not an input")
    if columns and all(_is_value(column) for column in columns):
        return _not_needed(view, "its first line holds values, not names of columns")
    if export is not None:
        found = _of_export(view, export)
        if not found.missing:
            return found
    candidates = [_candidate(view, INPUTS[role]) for role in dict.fromkeys(_PREFERENCE)]
    whole = [candidate for candidate in candidates if not candidate.missing]
    if not whole:
        return _nothing_whole(view, candidates)
    best = max(whole, key=lambda candidate: candidate.score)
    if best.role != "customers":
        return best
    repeated = _not_of_customers(view, best.mapping["customer_id"])
    return _nothing_whole(view, candidates, repeated) if repeated else best


def recognise_as(
    role: str,
    columns: Sequence[str],
    sample: pl.DataFrame,
    *,
    mapping: Mapping[str, str] | None = None,
    names: Profile | None = None,
) -> Recognition:
    """Map a file whose role is known; what its mapping lacks stands in `missing`, all at once.

    `mapping` (canonical -> column of the file) comes from the user and overrules every name;
    DataError where it names a canonical column or a column of the file that does not exist.
    """
    view = _View(tuple(columns), sample.head(_LOOKED_AT), names or profile())
    table = INPUTS[role]
    given = dict(mapping or {})
    wrong = [f"{name}: {role} has no such column" for name in given if name not in table.names]
    wrong += [
        f"{name} = {column!r}: the file has no such column{meant(column, columns)}"
        for name, column in given.items()
        if column not in columns
    ]
    if wrong:
        raise DataError(
            f"The mapping given for {role} does not fit the file.",
            details=wrong,
            hint=f"Mend [columns.{role}] in csk.toml.",
        )
    export = known(columns)
    if export is not None and export.export.role == role:
        found = _of_export(view, export, given)
        if not found.missing:
            return found
    return _candidate(view, table, given)


def refusal(recognitions: Mapping[str, Recognition]) -> DataError | None:
    """Return one refusal that names every missing column of every file; null where none is."""
    details = [
        "; ".join(
            (f"{file}: as {found.role} it lacks {listed(map(str, found.missing))}", *found.notes)
        )
        for file, found in recognitions.items()
        if found.role is not None and found.missing
    ]
    if not details:
        return None
    return DataError(
        "Columns that are needed were not found.",
        details=details,
        hint="Name them in csk.toml (csk check --stub prints the lines), or rename the columns.",
    )


@dataclass(frozen=True)
class _View:
    """A file as it is looked at: its columns, some of its rows, and the names to look for."""

    columns: tuple[str, ...]
    sample: pl.DataFrame
    profile: Profile
    believed: dict[tuple[str, str], bool] = field(default_factory=dict)
    """What was already looked at: (column of the file, kind) -> whether its values fit."""
    persons: dict[tuple[str, str], bool] = field(default_factory=dict)
    """What was already asked of the profile: (column, table) -> whether it holds persons."""

    def named(self, wanted: Sequence[str], taken: Sequence[str]) -> list[str]:
        """Return the file's columns with one of the wanted names, preferred names first."""
        free = [column for column in self.columns if column not in taken]
        exact = {normal(column): column for column in reversed(free)}
        bare = {unqualified(column, self.profile.qualifiers): column for column in reversed(free)}
        found = [exact.get(name) or bare.get(name) for name in wanted]
        return [column for column in dict.fromkeys(found) if column is not None]

    def believes(self, name: str, column: Column) -> bool:
        """Tell whether most of the sampled values can be what the name says."""
        if name not in self.sample.columns or column.kind in ("id", "text"):
            return True
        if (name, column.kind) not in self.believed:
            self.believed[name, column.kind] = self._fits(name, column)
        return self.believed[name, column.kind]

    def _fits(self, name: str, column: Column) -> bool:
        values = self.sample[name].head(_BELIEVED_AFTER)
        try:
            cast = casts.cast(values, casts.reading(values, column))
        except DataError:
            return True
        known = cast.values.len() - cast.values.null_count()
        failed = int(cast.failed.sum())
        return failed == 0 or known > failed * _MOST / (1 - _MOST)

    def personal(self, taken: Sequence[str], role: str | None) -> tuple[str, ...]:
        """Return the columns that hold persons, but for the mapped ones."""
        kind = "customers" if role == "customers" else "others"
        for column in self.columns:
            if (column, kind) not in self.persons:
                self.persons[column, kind] = self.profile.is_personal(column, role)
        return tuple(c for c in self.columns if c not in taken and self.persons[c, kind])


def _candidate(view: _View, table: Table, given: Mapping[str, str] | None = None) -> Recognition:
    """Map the file to one table as well as it goes."""
    mapping, notes = dict(given or {}), []
    names = view.profile.names[table.name]
    for column in _needed_first(table):
        if column.name not in mapping:
            notes += _take(view, column, names[column.name], mapping)
    weak = view.profile.weak.get(table.name)
    if weak is not None and _stands_beside(view, weak, mapping):
        for name, wanted in weak.names.items():
            if name not in mapping:
                notes += _take(view, _columns(table)[name], wanted, mapping)
    n_beside = 0
    if "quantity" in mapping and "unit_price_amount" in table.names:
        notes += _quantity_apart(mapping, given or {})
    if table.name == "subscriptions" and "unit_price_amount" not in mapping:
        # Units that no price is told of are worth keeping, but they speak for no kind of table.
        n_beside = int("quantity" in mapping and "quantity" not in (given or {}))
    once_per = _once_per(view, mapping) if table.name == "payments" else None
    taken = tuple(mapping.values())
    personal = view.personal(taken, table.name)
    unused = tuple(c for c in view.columns if c not in taken and c not in personal)
    missing = missing_columns(table, mapping, unused, names)
    needed = sum(1 for c in table.columns if c.required and c.name in mapping)
    needed += sum(1 for group in table.one_of if any(name in mapping for name in group))
    ordered = {name: mapping[name] for name in table.names if name in mapping}
    score = needed * _NEEDED + (len(mapping) - needed - n_beside) * _WANTED
    said = ", ".join(f"{source!r} is {name}" for name, source in ordered.items())
    return Recognition(
        *(table.name, ordered, unused, personal, missing, score, said),
        notes=tuple(notes),
        once_per=once_per,
    )


def _of_export(view: _View, export: Known, given: Mapping[str, str] | None = None) -> Recognition:
    """Map a known export as its profile says; `given` overrules it."""
    title = export.export.title
    if not export.export.role:
        return replace(_not_needed(view, f"{title}: {export.export.why}"), known=export)
    table = INPUTS[export.export.role]
    mapping = {**export.mapping, **(given or {})}
    used = {*mapping.values(), *(name for names in export.otherwise.values() for name in names)}
    used |= export.extras.keys()
    personal = {*view.personal(tuple(used), table.name), *export.personal} - used
    unused = tuple(c for c in view.columns if c not in used and c not in personal)
    has_person = export.export.person in export.found
    missing = tuple(
        lacking
        for lacking in missing_columns(table, mapping, unused, view.profile.names[table.name])
        if not (has_person and lacking.names == ("customer_id",))
    )
    return Recognition(
        table.name,
        {name: mapping[name] for name in table.names if name in mapping},
        unused,
        tuple(c for c in view.columns if c in personal),
        missing,
        float(len(mapping)),
        title,
        notes=export.export.notes,
        once_per=export.found.get(export.export.once_per),
        known=export,
    )


def _columns(table: Table) -> dict[str, Column]:
    return {column.name: column for column in table.columns}


def _needed_first(table: Table) -> list[Column]:
    """Order columns so that what the table needs chooses among the file's columns first."""
    grouped = {name for group in table.one_of for name in group}
    return sorted(table.columns, key=lambda c: (not c.required, c.name not in grouped))


def _take(view: _View, column: Column, wanted: Sequence[str], mapping: dict[str, str]) -> list[str]:
    """Map the first believable column of the file; say which ones were not believed."""
    doubts = []
    for name in view.named(wanted, tuple(mapping.values())):
        if view.believes(name, column):
            mapping[column.name] = name
            break
        doubts.append(f"{name!r} could be {column.name} by its name, but not by its values")
    return doubts


def _stands_beside(view: _View, weak: Weak, mapping: Mapping[str, str]) -> bool:
    if any(normal(column) in weak.beside_named for column in view.columns):
        return True
    return any(name in mapping for name in weak.beside)


def _once_per(view: _View, mapping: Mapping[str, str]) -> str | None:
    """Return the order's column where its total stands on every one of its lines."""
    order, amount = mapping.get("payment_id"), mapping.get("amount")
    totals = view.profile.order_totals
    if order is None or amount is None or normal(amount) not in totals:
        return None
    by_line = any(normal(column) in view.profile.line_ids for column in view.columns)
    if not {order, amount} <= set(view.sample.columns) or view.sample.is_empty():
        return order if by_line else None
    rows = view.sample.select(order=order, amount=amount).drop_nulls()
    orders = rows.group_by("order").agg(n=pl.len(), n_amounts=pl.col("amount").n_unique())
    if (orders["n_amounts"] > 1).any():
        return None
    return order if by_line or bool((orders["n"] > 1).any()) else None


def _quantity_apart(mapping: dict[str, str], given: Mapping[str, str]) -> list[str]:
    """Leave out a quantity that no unit price could be multiplied by; contracts keep theirs."""
    if {"unit_price_amount", "started_on"} & set(mapping) or "quantity" in given:
        return []
    source = mapping.pop("quantity")
    return [f"{source!r} is not used: there is no price of one unit to multiply it by"]


def _not_of_customers(view: _View, name: str) -> str:
    """Return why a file with a customer id is no table of customers; empty where it is one."""
    known = ids.ids(view.sample[name]).drop_nulls() if name in view.sample.columns else None
    if known is not None and known.n_unique() < _DISTINCT * known.len():
        return f"{name!r} repeats, so it is no table of customers"
    persons = view.profile.weak["customers"].beside_named
    named = {normal(column) for column in view.columns}
    if "id" in named and normal(name) != "id" and not named & persons:
        return f"it has an id beside {name!r}, so it is no table of customers"
    return ""


def _is_value(column: str) -> bool:
    return bool(column.strip()) and not any(letter.isalpha() for letter in column)


def _nearest(candidates: Sequence[Recognition]) -> Recognition | None:
    """Return the role of which most is there, where more than ids was found of what it needs."""
    close = [found for found in candidates if found.missing and _has_heart(found)]
    return max(close, key=lambda found: found.score - 2 * len(found.missing), default=None)


def _has_heart(found: Recognition) -> bool:
    table = INPUTS[str(found.role)]
    columns = _columns(table)
    grouped = {name for group in table.one_of for name in group}
    return any(
        columns[name].kind not in ("id", "text") and (columns[name].required or name in grouped)
        for name in found.mapping
    )


def _nothing_whole(
    view: _View, candidates: Sequence[Recognition], because: str = ""
) -> Recognition:
    nearest = _nearest(candidates)
    if nearest is None:
        return _not_needed(view, because or "no columns for a customer, a date and an amount")
    lacking = listed(str(missing) for missing in nearest.missing)
    reason = f"it comes nearest to {nearest.role}, but lacks {lacking}"
    columns = _columns(INPUTS[str(nearest.role)])
    keyed = any(columns[name].kind == "id" for name in nearest.mapping)
    needed = [missing.names for missing in nearest.missing]
    persons = view.personal((), None)[:3]
    if nearest.role == "payments" and needed == [("customer_id",)] and persons:
        reason += f"; it only names persons ({', '.join(persons)}): csk identify makes customers"
    elif keyed and ("customer_id",) in needed:
        reason += "; join it first to the table that has the customer"
    return _not_needed(view, f"{because}; {reason}" if because else reason, nearest)


def _not_needed(view: _View, reason: str, nearest: Recognition | None = None) -> Recognition:
    personal = view.personal((), None)
    unused = tuple(column for column in view.columns if column not in personal)
    nothing = Recognition(None, {}, unused, personal, (), 0.0, reason)
    if nearest is None:
        return nothing
    return replace(nothing, missing=nearest.missing, nearest_role=nearest.role, notes=nearest.notes)
