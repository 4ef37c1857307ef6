"""Files that are parts of one table by their names: `part-00057.parquet` among its like.

One rule: a part that cannot be read as the others are was damaged or has changed, and is refused
by its name; to leave it out would lose its rows in silence.
"""

import re
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from typing import Final

from csk.book import FileRead
from csk.errors import DataError
from csk.intake.formats.source import Source
from csk.intake.recognition.recognise import Recognition, recognise_as, refusal

EMPTY: Final = "the file is empty"
_ENOUGH: Final = 2
"""Other parts of one role, from which on the name of a file says what it should be."""
_MANY_TIMES: Final = 9
"""So many parts of one role stand against one that looks like another table."""
_SAMPLE_ROWS: Final = 20_000
_NUMBER: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d+")


def not_needed(name: str, reason: str) -> FileRead:
    """Return what is told of a file of which nothing is read."""
    return FileRead(name, *("", "", "", ""), *(0, 0, 0, 0), reason)


def odd_parts(
    read: Mapping[str, str], unread: Sequence[str], said: Container[str] = ()
) -> dict[str, str]:
    """Return the files that are not what most of the same name are; name -> role of the others.

    `read` has the role of every file that is read, by its name; of those `said` the user told
    it. Names are the same where they differ in numbers alone; sheets of a workbook are no parts.
    """
    roles: dict[str, Counter[str]] = {}
    for name, role in [*read.items(), *((name, "") for name in unread)]:
        roles.setdefault(_series(name), Counter())[role] += 1
    found = {}
    for name, role in [*((name, "") for name in unread), *read.items()]:
        most, n_most = max(roles[_series(name)].items(), key=lambda counted: counted[1])
        times = _MANY_TIMES if role else 1
        is_odd = n_most >= _ENOUGH and n_most > times * roles[_series(name)][role]
        if most and role != most and is_odd and name not in said and "#" not in name:
            found[name] = most
    return found


def refusals(
    odd: Mapping[str, str],
    unread: Sequence[FileRead],
    seen: Mapping[str, tuple[Source, Recognition]],
) -> dict[str, DataError]:
    """Return what is wrong with each odd part, by its name."""
    reasons = {file.file: file.note for file in unread}
    return {name: _refusal(name, role, reasons.get(name, ""), seen) for name, role in odd.items()}


def refusal_of_all(errors: Sequence[DataError]) -> DataError:
    """Return what is wrong with several odd parts as one."""
    if len(errors) == 1:
        return errors[0]
    return DataError(
        f"{len(errors)} files are not as those of the same names beside them.",
        details=[detail for error in errors for detail in error.details],
        hint=errors[0].hint,
    )


def _refusal(
    name: str, role: str, reason: str, seen: Mapping[str, tuple[Source, Recognition]]
) -> DataError:
    detail = f"{name}: {reason or 'it looks like another table'}"
    if name in seen:
        source = seen[name][0]
        as_others = recognise_as(role, source.columns, source.sample(_SAMPLE_ROWS))
        lacking = refusal({name: as_others})
        detail = lacking.details[0] if lacking is not None else detail
    return DataError(
        f"{name} is not as the files of the same name beside it, which are read as {role}.",
        details=[detail],
        hint="Export it again, or name it under skip in csk.toml if it shall be left out.",
    )


def _series(name: str) -> str:
    return _NUMBER.sub("#", name)
