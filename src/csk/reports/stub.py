"""A commented `csk.toml`: the template of the language, with values and columns filled in.

One rule: what it says loads, and changes nothing but what was filled in.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from importlib.resources import files
from textwrap import wrap
from typing import Final

from csk.errors import CskError
from csk.settings import Settings
from csk.text import DEFAULT, UNSEEN, Words

LINE: Final = re.compile(r"# (?P<name>[a-z_]+) = (?P<value>.*?)\s+# (?P<said>.*)")
"""A setting of the template that is off: its name, its value, and what is said of it."""

_NOT_SET: Final = re.compile(r"Not set(?:: [^.]*)?\.\s*")
_REMARKS_FROM: Final = 31
_PAGE: Final = 100
_UNSEEN: Final = re.compile(rf"(?:{UNSEEN.pattern}|[\u2028\u2029\ud800-\udfff])+")


@dataclass(frozen=True, slots=True)
class Mapped:
    """What the columns of a file were taken for."""

    file: str
    role: str
    """Table that it is, or comes nearest to; "" where to none."""
    mapping: Mapping[str, str] = field(default_factory=dict)
    """Canonical column -> column of the file."""
    remarks: Mapping[str, str] = field(default_factory=dict)
    """What is to be said of a canonical column."""
    lacking: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = ()
    """(canonical columns of which one is needed, columns of the file that may be it)."""
    why_not: str = ""
    """Why the file is not read, as a clause; then its lines are off."""
    fits_others: bool = False
    """Whether its lines would turn other files into this table; then they are off."""


def settings_file(
    values: Mapping[str, object],
    remarks: Mapping[str, str],
    tables: Sequence[Mapped],
    say: Words,
    language: str = DEFAULT,
) -> str:
    """Return the text of a settings file: every setting, off but for `values`, and columns.

    `remarks` say of a value where it comes from. A name that the template lacks is a KeyError.
    """
    left = dict(values)
    lines, is_top = [], True
    for line in template(language).splitlines():
        is_top &= not line.startswith("[")
        found = LINE.fullmatch(line) if is_top else None
        if found is None or found["name"] not in left:
            lines.append(line)
            continue
        name = found["name"]
        said = remarks.get(name) or _NOT_SET.sub("", found["said"])
        setting = f"{name} = {toml(left.pop(name))}"
        lines.append(f"{setting:<{_REMARKS_FROM - 1}} # {said}")
    if left:
        raise KeyError(*left)
    return "\n".join([*lines, *_columns(tables, say)]) + "\n"


def template(language: str = DEFAULT) -> str:
    """Return the settings file with everything off."""
    return files("csk.text").joinpath(f"csk.{language}.template").read_text(encoding="utf-8")


def changed(settings: Settings) -> dict[str, object]:
    """Return the settings on the first level that are not as csk has them by itself."""
    fields = Settings.model_fields
    by_itself = {name: one.get_default(call_default_factory=True) for name, one in fields.items()}
    return {
        name: value
        for name, value in settings
        if value != by_itself[name] and isinstance(value, str | int | float | tuple | date)
    }


def toml(value: object) -> str:
    """Return a plain value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, int | float):
        return repr(value)
    text = json.dumps(_seen(str(value)), ensure_ascii=False)
    return UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def refusal_lines(refusal: CskError) -> list[str]:
    """Return what a refusal says, line by line, its hint last."""
    return [refusal.sentence, *refusal.details, *([refusal.hint] if refusal.hint else [])]


def _columns(tables: Iterable[Mapped], say: Words) -> list[str]:
    """Return the lines of all files; a table can be set once, further forms of it are off."""
    lines: list[str] = []
    written: dict[str, Mapping[str, str]] = {}
    for one in tables:
        if one.why_not:
            title, off = say("stub.not_read", file=one.file, why=one.why_not), "# "
        elif one.fits_others:
            title, off = say("stub.fits_others", file=one.file), "# "
        elif one.role not in written:
            title, off = one.file, ""
            written[one.role] = one.mapping
        elif written[one.role] == one.mapping:
            lines += ["", *_remarks(say("stub.alike", file=one.file, role=one.role))]
            continue
        else:
            title, off = say("stub.further", file=one.file), "# "
        its = _table(one, say) if one.role else []
        lines += ["", *_remarks(title), *(off + line for line in its)]
    return lines


def _table(one: Mapped, say: Words) -> list[str]:
    lines = [f"[columns.{one.role}]"]
    for canonical, name in one.mapping.items():
        said = one.remarks.get(canonical, "")
        lines.append(f"{canonical} = {toml(name)}" + (f"  {_remark(said)}" if said else ""))
    for names, candidates in one.lacking:
        parts = [say("stub.needed")]
        parts += [say("stub.or", names=", ".join(names[1:]))] if names[1:] else []
        parts += [say("stub.perhaps", columns=", ".join(candidates))] if candidates else []
        remark = _remark("; ".join(parts))
        lines.append(f'{names[0]} = "?"  {remark}')
    return lines


def _remark(text: str) -> str:
    return f"# {_UNSEEN.sub(' ', text).strip()}"


def _remarks(text: str) -> list[str]:
    """Return a remark in lines of a page."""
    return [f"# {line}" for line in wrap(_remark(text).removeprefix("# "), _PAGE - 2)]


def _seen(text: str) -> str:
    """Return text that UTF-8 can hold: a file's name may have bytes that are no letters."""
    return text.encode("utf-8", "replace").decode("utf-8")
