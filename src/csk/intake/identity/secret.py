"""The secret that ids are made with: given, or made once for this user.

One rule: it is never shown, and a file that holds it is its owner's alone.
"""

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Final

from csk.errors import StorageError, UsageError

VARIABLE: Final = "CSK_ID_KEY"
_FEWEST: Final = 32
_BYTES: Final = 32
_HINT: Final = "Make one with: openssl rand -hex 32 > id.key && chmod 600 id.key"


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A key of 64 bytes, and where it came from; null = the environment."""

    key: bytes
    path: Path | None
    is_new: bool = False
    is_open: bool = False
    """Whether others than its owner can read the file."""


def secret(path: Path | None = None) -> Secret:
    """Return the secret of `path`, else of `CSK_ID_KEY`, else of the user's own file.

    The last is made where there is none. UsageError where a secret is absent or too short to be
    one, StorageError where it cannot be read or kept.
    """
    if path is not None:
        return _of_file(path)
    given = os.environ.get(VARIABLE)
    if given:
        if _names_a_file(given):
            raise UsageError(
                f"{VARIABLE} holds the name of a file; it is meant to hold the key itself.",
                hint="Give the file with --key.",
            )
        return Secret(_stretched(given, VARIABLE), None)
    own = own_file()
    if own.exists():
        return _of_file(own)
    return _made(own)


def own_file() -> Path:
    """Return where the user's own key lies: `csk/id.key` in the folder for settings."""
    folder = os.environ.get("XDG_CONFIG_HOME", "")
    home = Path(folder) if Path(folder).is_absolute() else Path.home() / ".config"
    return home / "csk" / "id.key"


def _names_a_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # too long, or with a null in it: no name of a file
        return False


def _of_file(path: Path) -> Secret:
    try:
        text = path.read_text(encoding="utf-8")
        is_open = bool(path.stat().st_mode & 0o077)
    except FileNotFoundError:
        raise UsageError(f"There is no key file {path}.", hint=_HINT) from None
    except UnicodeDecodeError:
        raise UsageError(f"The key file {path} is not text.", hint=_HINT) from None
    except OSError as error:
        raise StorageError(f"The key file {path} cannot be read: {error.strerror}.") from error
    return Secret(_stretched(text, str(path)), path, is_open=is_open)


def _stretched(text: str, where: str) -> bytes:
    """Return 64 bytes, whatever the length of the text."""
    known = text.strip()
    if len(known) < _FEWEST:
        raise UsageError(
            f"The key in {where} has fewer than {_FEWEST} characters and could be guessed.",
            hint=_HINT,
        )
    return blake2b(known.encode(), person=b"csk id key").digest()


def _made(path: Path) -> Secret:
    """Make the user's key: whole under another name first, so that no other run reads a part."""
    draft = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(secrets.token_hex(_BYTES) + "\n")
        with suppress(FileExistsError):  # another run was quicker: its key is the one
            os.link(draft, path)
            return Secret(_of_file(path).key, path, is_new=True)
    except OSError as error:
        raise StorageError(
            f"The key for ids could not be kept in {path}: {error.strerror}.",
            hint=f"Name one with --key FILE or {VARIABLE}. {_HINT}",
        ) from error
    finally:
        with suppress(OSError):
            draft.unlink()
    return _of_file(path)
