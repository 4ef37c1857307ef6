"""What `csk init` does: look, tell, ask, write.

One rule: nothing is written before the last answer, and no settings file is lost.
"""

import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import typer

from csk.cli import emit
from csk.cli.asking import answers, can_ask
from csk.cli.language import words
from csk.errors import DataError, StorageError, UsageError
from csk.intake.origins.finding import Found, found
from csk.intake.places import temporary_store
from csk.intake.plans.doubts import MOST_ASKED, doubts, named_currencies, told
from csk.intake.plans.looking import Looked, Seen, looked_at
from csk.reports import init as init_report
from csk.reports.blocks import Report
from csk.reports.init import GENERIC
from csk.reports.stub import Mapped, settings_file, toml
from csk.settings import CONFIG_NAME, Settings, settings
from csk.sinks.staging.outputs import Outputs
from csk.text import Words, visible


@dataclass(frozen=True, slots=True)
class _Decided:
    """What goes into the file: values by setting, where they come from, and columns."""

    values: Mapping[str, object]
    remarks: Mapping[str, str]
    tables: Sequence[Mapped]
    left_open: Sequence[str] = ()


def run(folder: Path, output: Path | None, *, asks: bool, replaces: bool) -> None:
    """Write the settings file of a folder; UsageError where it is there and not to be replaced."""
    say, target = words(), output or folder / CONFIG_NAME
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder.", hint="Name the folder with your exports.")
    if target.exists() and not replaces:
        raise UsageError(
            f"{target} is there already.", hint="Edit it, or give --force: a copy is kept."
        )
    files, base = found([str(folder)]), settings({}, None)
    with temporary_store() as work:
        looked = _looked(files, base, work)
        emit.show(_report(folder, looked, say), "text")
        if not looked.tells_who_pays:
            raise DataError(
                "No file tells who pays, so there is nothing to set.",
                hint=f"csk check --stub {shlex.quote(str(folder))} prints lines to fill in.",
            )
        decided = _decided(looked, say, asks=asks and can_ask())
    text = settings_file(decided.values, decided.remarks, decided.tables, say)
    _tell(folder, target, _written(target, text), decided, say)


def _looked(files: Sequence[Found], chosen: Settings, work: Path) -> Looked:
    with emit.progress("Looking ..."), looked_at(files, chosen, work) as looked:
        return looked


def _report(folder: Path, looked: Looked, say: Words) -> Report:
    files = [
        init_report.File(
            name=one.file,
            role=one.told.role,
            n_rows=one.n_rows,
            is_estimate=one.is_estimate,
            why_not=one.why_not,
            stops=one.refusal is not None,
            known_as=one.told.profile or GENERIC,
        )
        for one in looked.files
    ]
    remarks = [(say("init.ambiguous", file=file), True) for file in looked.ambiguous]
    codes = named_currencies(looked)
    if len(codes) > 1:
        remarks.append((say("init.currencies", codes=", ".join(codes)), True))
    for one in looked.files:
        remarks += [(text, False) for text in _guessed(one, say)]
    return init_report.report(str(folder), files, remarks, say)


def _guessed(one: Seen, say: Words) -> list[str]:
    if one.opened is None:
        return []
    mapping = one.opened.recognition.mapping
    return [
        say(
            "init.guessed_among" if guess.others else "init.guessed",
            file=one.file,
            canonical=guess.canonical,
            column=mapping[guess.canonical],
            **({"others": ", ".join(guess.others)} if guess.others else {}),
        )
        for guess in one.guesses
    ]


def _decided(looked: Looked, say: Words, *, asks: bool) -> _Decided:
    """Ask, or take what is proposed; what names of columns tell is no question."""
    open_doubts = doubts(looked)
    asked = open_doubts[:MOST_ASKED] if asks else ()
    given = answers(asked, say)
    proposed = {d.setting: d.proposal for d in open_doubts if d not in asked and d.proposal}
    said = told(looked)
    remarks = dict.fromkeys(proposed, say("init.proposed")) | dict.fromkeys(said, say("init.told"))
    values = {**said, **proposed, **given}
    left = [d.setting for d in open_doubts if d.setting not in values and d.key != "rivals"]
    guessed = [_mapped(one, say) for one in looked.files if one.guesses]
    tables = [one for one in guessed if not looked.fits_others(one.role, one.mapping)]
    return _Decided(values, remarks, tables, left)


def _mapped(one: Seen, say: Words) -> Mapped:
    remarks = {
        guess.canonical: say("stub.guessed_among", others=", ".join(guess.others))
        if guess.others
        else say("stub.guessed")
        for guess in one.guesses
    }
    mapping = one.opened.recognition.mapping if one.opened else {}
    return Mapped(one.file, one.told.role, mapping, remarks)


def _written(target: Path, text: str) -> Path | None:
    """Put the file into its place whole; return where the earlier one is kept, if there was one."""
    kept = _kept(target) if target.exists() else None
    with Outputs("replace" if kept else "fail") as outputs:
        outputs.add_text(target, text)
    return kept


def _kept(target: Path) -> Path:
    """Copy a settings file beside itself, under a name that is free."""
    for number in count(1):
        place = target.with_name(f"{target.name}.bak{number if number > 1 else ''}")
        try:
            with target.open("rb") as old, place.open("xb") as new:
                shutil.copyfileobj(old, new)
        except FileExistsError:
            continue
        except OSError as error:
            raise StorageError(f"{target} could not be copied: {error.strerror}.") from error
        return place
    raise AssertionError


def _tell(folder: Path, target: Path, kept: Path | None, decided: _Decided, say: Words) -> None:
    values = [f"{name} = {toml(value)}" for name, value in decided.values.items()]
    values += [f"[columns.{table.role}]" for table in decided.tables]
    file = str(target)
    lines = [say("init.mixed" if values else "init.plain", file=visible(file))]
    lines += [f"  {value}" for value in values]
    lines += [say("init.kept", file=str(kept))] if kept else []
    if decided.left_open:
        lines.append(say("init.open", settings=", ".join(decided.left_open)))
    named = (
        ""
        if target.name == CONFIG_NAME and target.parent == folder
        else (f" --config {shlex.quote(file)}")
    )
    lines.append(say("init.next", folder=shlex.quote(str(folder)) + named))
    typer.echo("\n" + "\n".join(lines))
