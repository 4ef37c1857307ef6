"""What `csk identify` does: read who ordered, join, write the rows, show what was found."""

import re
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from csk.analyses.identify import Identified, Resolution, resolution
from csk.cli import emit
from csk.cli.language import words
from csk.errors import DataError, UsageError
from csk.intake.formats.reading import opened
from csk.intake.identity.secret import Secret, secret
from csk.intake.origins.apart import apart
from csk.intake.origins.finding import found
from csk.intake.origins.nearby import nearby
from csk.intake.places import temporary_store
from csk.intake.resolving.answers import IDENTIFIED, Answers
from csk.intake.resolving.columns import KeyColumns, key_columns, personal_columns
from csk.intake.resolving.evidence import Evidence, ShopFile, evidence
from csk.reports import identify as identify_report
from csk.reports.identify import Reading
from csk.settings import Settings
from csk.sinks.protocol import SinkOptions, sink_for, sink_named
from csk.sinks.staging.outputs import Outputs

_STDOUT: Final = Path("-")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user asked for."""

    paths: tuple[str, ...]
    output: Path | None
    as_: str
    key: Path | None
    country: str | None
    most_names: int
    keeps_personal: bool
    report: str
    if_exists: Literal["replace", "skip", "fail"]
    encoding: Literal["utf-8", "utf-8-sig", "cp932"]
    quiet: bool


def run(asked: Asked, settings: Settings) -> None:
    """Resolve the customers of the files, write them if asked to, and show the report."""
    country = _country(asked.country)
    outputs = [asked.output] if asked.output is not None else []
    files = [one for one in apart(found(asked.paths), outputs) if not one.left_out]
    targets = _targets(asked, [one.path for one in files])
    with temporary_store() as folder, ExitStack() as stack:
        with emit.progress("Reading ...", quiet=asked.quiet):
            shop = []
            for one in stack.enter_context(nearby(files, settings)):
                source = stack.enter_context(
                    opened(
                        one.path,
                        temporary=folder,
                        encoding=settings.encoding,
                        sheet=one.sheet,
                        name=one.name if one.place else "",
                    )
                )
                keys = key_columns(
                    one.name, source.columns, source.sample(), country, settings.currency
                )
                shop.append(ShopFile(source, keys))
            key = _told(secret(asked.key))
            seen = evidence(shop, key.key)
            _refuse_malformed(seen, settings.reject_limit)
        with emit.progress("Joining ...", quiet=asked.quiet):
            resolved = resolution(seen.records, seen.n_without_key, asked.most_names)
        with emit.progress("Writing ...", quiet=asked.quiet):
            answers = _delivered(asked, targets, shop, seen, resolved)
    if not asked.quiet:
        read = _reading(asked, shop, seen, answers)
        report = identify_report.report(resolved.identified, read, words())
        emit.show(report, asked.report, to_stderr=asked.output == _STDOUT)


def _country(code: str | None) -> str | None:
    if code is None:
        return None
    if not re.fullmatch("[A-Za-z]{2}", code):
        raise UsageError(f"{code!r} is not a country code.", hint="Write two letters: JP, US.")
    return code.upper()


def _targets(asked: Asked, paths: Sequence[Path]) -> list[Path]:
    """Return where each file is written; UsageError where that is not plain."""
    output = asked.output
    if output is None:
        return []
    if output == _STDOUT:
        emit.stdout_bytes(is_binary=sink_named(asked.as_).is_binary)
    is_folder = output.is_dir() or not output.suffix
    if not is_folder or output == _STDOUT:
        if len(paths) > 1:
            raise UsageError(
                f"{len(paths)} files cannot be written to one.", hint="Give a folder: -o DIR/"
            )
        if output != _STDOUT:
            sink_for(output)
        return [output]
    names = [_stem(path) + sink_named(asked.as_).suffix for path in paths]
    twice = [name for name, n in Counter(names).items() if n > 1]
    if twice:
        raise UsageError(
            f"Two files would be written to {output / twice[0]}.", hint="Name them one at a time."
        )
    return [output / name for name in names]


def _stem(path: Path) -> str:
    return path.name.split(".")[0] or "stdin" if str(path) != "-" else "stdin"


def _told(key: Secret) -> Secret:
    """Say where a key was made, and that one can be read by others."""
    if key.is_new:
        sys.stderr.write(
            f"csk: made a key for ids in {key.path}. Keep it: another key gives other ids.\n"
        )
    if key.is_open:
        sys.stderr.write(f"csk: others can read the key in {key.path}: chmod 600 it.\n")
    return key


def _refuse_malformed(seen: Evidence, limit: float) -> None:
    n_bad = sum(seen.malformed)
    n_all = n_bad + sum(len(rows) for rows in seen.rows)
    if n_bad > limit * n_all:
        raise DataError(
            f"{n_bad:,} of {n_all:,} rows are malformed, more than the {limit:.1%} allowed.",
            hint="csk check lists them; --reject-limit allows more.",
        )


def _delivered(
    asked: Asked,
    targets: Sequence[Path],
    shop: Sequence[ShopFile],
    seen: Evidence,
    resolved: Resolution,
) -> Answers:
    """Write every file with its ids, all together, and take the hints on the way."""
    answers = Answers(resolved.ids, asked.keeps_personal, _shown(resolved.identified))
    options = SinkOptions(encoding=asked.encoding)
    with Outputs(asked.if_exists) as outputs:
        first = 0
        for number, (file, records) in enumerate(zip(shop, seen.rows, strict=True)):
            if not targets or targets[number] == _STDOUT:
                answers.look(file, first, records.len())
            else:
                if targets[number] != asked.output:
                    targets[number].parent.mkdir(exist_ok=True)
                rows = answers.rows(file, records, first)
                outputs.add(targets[number], rows, IDENTIFIED, options)
            first += records.len()
    if _STDOUT in targets:
        sink = sink_named(asked.as_)
        stream = emit.stdout_bytes(is_binary=sink.is_binary)
        sink.write_stream(answers.rows(shop[0], seen.rows[0], 0), stream, IDENTIFIED, options)
        stream.flush()
    return answers


def _shown(identified: Identified) -> dict[int, str]:
    """Return the rows of which a hint is shown, and of which kind of key."""
    shown = {one.row: "email" for one in identified.largest}
    return shown | {one.row: one.name for one in identified.shared}


def _reading(asked: Asked, shop: Sequence[ShopFile], seen: Evidence, answers: Answers) -> Reading:
    dropped = [c for file in shop for c in personal_columns(file.source.columns, file.keys)]
    return Reading(
        files=tuple(file.source.name for file in shop),
        keys=_columns_of_kinds([file.keys for file in shop]),
        doubts=dict(seen.doubts),
        malformed=sum(seen.malformed),
        n_of_order=seen.n_of_order,
        country=next((f.keys.default_country for f in shop if f.keys.default_country), None),
        hints=answers.hints,
        dropped=tuple(dict.fromkeys(dropped)),
        struck=dict(answers.struck),
        is_written=asked.output is not None,
        keeps_personal=asked.keeps_personal,
    )


def _columns_of_kinds(keys: Sequence[KeyColumns]) -> dict[str, tuple[str, ...]]:
    found_in: dict[str, dict[str, None]] = {}
    for one in keys:
        places = {"email": one.email, "phone": one.phone, "name": (*one.name, *one.postcode)}
        for kind, listed in places.items():
            if listed and (kind != "name" or (one.name and one.postcode)):
                names = dict.fromkeys(column for place in listed for column in place)
                found_in.setdefault(kind, {}).update(names)
    return {kind: tuple(names) for kind, names in found_in.items()}
