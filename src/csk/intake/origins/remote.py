"""Files at an address: https://, s3://, gs://, az://, brought here piece by piece.

One rule: nothing is fetched but what the user typed. A redirect is followed on the same host
only, credentials come from variables of the environment only, and no address is shown with what
it asks for or with a password.
"""

import os
import re
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from fnmatch import fnmatchcase
from http.client import HTTPException, HTTPMessage
from pathlib import PurePosixPath
from typing import IO, Any, Final, NamedTuple
from urllib.parse import urlsplit

import csk
from csk.errors import CskError, StorageError, TryAgainError, UsageError
from csk.intake.origins.finding import address_shown, may_be_table

_PIECE: Final = 8 << 20
_SECONDS: Final = 30
_TRIES: Final = 3
_SAID_AT_MOST: Final = 160
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_DENIED: Final = (401, 403, 407)
_ABSENT: Final = (404, 410)
_BUSY: Final = (408, 425, 429)
_SERVER_ERRORS: Final = 500
_ABSENT_WORDS: Final = re.compile(
    r"NO_SUCH_BUCKET|NO_SUCH_KEY|RESOURCE_NOT_FOUND|NOT_FOUND|not exist|HTTP status 404"
)
_DENIED_WORDS: Final = re.compile(
    r"ACCESS_DENIED|UNAUTHENTICATED|PERMISSION_DENIED|INVALID_ACCESS_KEY|SIGNATURE|INVALID_CLIENT"
    r"|AuthenticationFailed|AuthorizationFailure|EXPIRED|Forbidden|HTTP status 40[13]",
    re.IGNORECASE,
)
_VARIABLES: Final = {
    "s3": "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION (or AWS_PROFILE)",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}
_ELSEWHERE: Final = (
    "AWS_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
"""Variables that send the S3 client to another place for its credentials."""


class Remote(NamedTuple):
    """One file at an address: how it is called, and its bytes."""

    address: str
    name: str
    size: int
    """Bytes it has by its server's word; 0 where that is silent."""
    pieces: Iterator[bytes]


def remote_files(address: str) -> Iterator[Remote]:
    """Give the file at an address, or all that a pattern or folder of an object store holds.

    UsageError where there is nothing, StorageError where it may not be read, TryAgainError where
    the server is out of reach or the bytes end early.
    """
    scheme = address.partition("://")[0].lower()
    if scheme in ("http", "https"):
        yield _web_file(address)
    else:
        yield from _objects(scheme, address)


# --- https ---------------------------------------------------------------------------------------


class _SameHost(urllib.request.HTTPRedirectHandler):
    """Follows a redirect on the host that was typed, and refuses every other."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """Refuse another host, port or scheme."""
        if urlsplit(newurl)[:2] != urlsplit(req.full_url)[:2]:
            fp.close()
            raise UsageError(
                f"{address_shown(req.full_url)} sends on to {address_shown(newurl)}, which you"
                " did not name.",
                hint="If you trust that place, name its address yourself; or download the file.",
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _web_file(address: str) -> Remote:
    name = address_shown(address)
    try:
        parts = urlsplit(address)
    except ValueError:
        raise UsageError(f"{name} is no address.") from None
    if parts.scheme.lower() == "http" and parts.hostname not in _LOOPBACK:
        raise UsageError(
            f"{name} would come unencrypted, where anybody on the way can read and change it.",
            hint="Name it with https://.",
        )
    if "@" in parts.netloc:
        raise UsageError(
            f"{name} is named with a password, which csk does not send.",
            hint="Use an address that needs none (a pre-signed one), or download the file.",
        )
    response = _answer(address.partition("#")[0], name, is_near=parts.hostname in _LOOPBACK)
    length = response.headers.get("Content-Length", "")
    size = int(length) if length.isdigit() else 0
    return Remote(address, name, size, _body(response, name, size))


def _answer(address: str, name: str, *, is_near: bool) -> Any:  # noqa: ANN401 - urllib says no more
    opener = urllib.request.OpenerDirector()
    # No handlers of files, of FTP or of data: what is not https or this machine is not opened.
    for handler in (
        urllib.request.ProxyHandler({} if is_near else None),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(context=ssl.create_default_context()),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _SameHost(),
    ):
        opener.add_handler(handler)
    headers = {"User-Agent": f"csk/{csk.__version__}", "Accept-Encoding": "identity"}
    try:
        request = urllib.request.Request(address, headers=headers)  # noqa: S310 - seen to be http(s)
        return opener.open(request, timeout=_SECONDS)
    except urllib.error.HTTPError as error:
        error.close()
        raise _refused_by_status(error.code, name) from None
    except (urllib.error.URLError, HTTPException, OSError, ValueError) as error:
        raise _unreachable(error, name) from None


def _body(response: Any, name: str, size: int) -> Iterator[bytes]:  # noqa: ANN401 - likewise
    read = 0
    with closing(response):
        try:
            while piece := response.read(_PIECE):
                read += len(piece)
                yield piece
        except (HTTPException, OSError) as error:
            raise _cut_off(name, read, size) from error
    # Python's client takes a short body for a whole one.
    if size and read != size:
        raise _cut_off(name, read, size)


def _refused_by_status(status: int, name: str) -> CskError:
    if status in _ABSENT:
        return UsageError(f"There is nothing at {name} ({status}).")
    if status in _DENIED:
        return StorageError(
            f"{name} may not be read ({status}): its server asks for a login or refuses.",
            hint="Use an address that needs none (a pre-signed one), or download the file.",
        )
    if status in _BUSY or status >= _SERVER_ERRORS:
        return TryAgainError(f"The server of {name} cannot serve it now ({status}).")
    return UsageError(f"The server of {name} refuses with status {status}.")


def _unreachable(error: Exception, name: str) -> CskError:
    why = getattr(error, "reason", error)
    if isinstance(why, ssl.SSLCertVerificationError):
        return StorageError(
            f"The server of {name} cannot prove who it is: {why.verify_message}.",
            hint="Nothing was read. Is the address right, and the clock of this machine?",
        )
    if isinstance(why, TimeoutError):
        return TryAgainError(f"The server of {name} did not answer within {_SECONDS} seconds.")
    if isinstance(why, socket.gaierror):
        return TryAgainError(f"{urlsplit(name).hostname} cannot be found on the network.")
    if isinstance(error, ValueError):
        return UsageError(f"{name} is no address.")
    told = getattr(why, "strerror", None) or " ".join(str(why).split()) or type(why).__name__
    return TryAgainError(f"The server of {name} cannot be reached: {told}.")


def _cut_off(name: str, read: int, size: int) -> TryAgainError:
    of = f" of {size:,}" if size else ""
    return TryAgainError(f"{name} was cut off on its way, after {read:,}{of} bytes.")


# --- object stores -------------------------------------------------------------------------------


def _objects(scheme: str, address: str) -> Iterator[Remote]:
    name = address_shown(address)
    place = name.partition("://")[2]
    bucket, _, key = place.partition("/")
    if not bucket:
        raise UsageError(f"{name} names no bucket.", hint=f"Write {scheme}://BUCKET/FILE.")
    with _told_apart(scheme, name):
        files = _file_system(scheme, bucket)
        is_pattern = any(mark in key for mark in "*?[")
        entry = None if is_pattern or not key else files.get_file_info(place.rstrip("/"))
        if entry is not None and entry.type.name == "File":
            found = [entry]
        elif entry is not None and entry.type.name == "NotFound":
            found = []
        else:
            found = _listed(files, place, key if is_pattern else "")
    if not found:
        raise UsageError(f"There is nothing to read at {name}.")
    for one in found:
        shown = f"{scheme}://{one.path}"
        yield Remote(shown, shown, one.size or 0, _object(files, one, scheme))


def _listed(files: Any, place: str, pattern: str) -> list[Any]:  # noqa: ANN401 - pyarrow has no types
    """Return what a folder or a pattern holds, in the order of the names."""
    from pyarrow.fs import FileSelector  # noqa: PLC0415 - only an address pays for it

    bucket = place.partition("/")[0]
    fixed = re.split(r"[*?\[]", pattern, maxsplit=1)[0].rpartition("/")[0] if pattern else ""
    folder = f"{bucket}/{fixed}".rstrip("/") if pattern else place.rstrip("/")
    entries = [e for e in files.get_file_info(FileSelector(folder, recursive=True)) if e.size]
    if pattern:
        wanted = [e for e in entries if _matches(e.path.partition("/")[2], pattern)]
    else:
        inside = len(folder) + 1
        wanted = [e for e in entries if may_be_table(PurePosixPath(e.path[inside:]))]
    return sorted(wanted, key=lambda e: str(e.path))


def _matches(key: str, pattern: str) -> bool:
    """Tell whether a key fits a pattern, part by part; `**` is any number of parts."""
    parts, wanted = key.split("/"), pattern.split("/")
    if "**" in wanted:
        at = wanted.index("**")
        rest = "/".join(wanted[at + 1 :])
        return (
            len(parts) > at
            and all(map(fnmatchcase, parts[:at], wanted[:at]))
            and any(_matches("/".join(parts[start:]), rest) for start in range(at, len(parts)))
        )
    return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))


def _object(files: Any, entry: Any, scheme: str) -> Iterator[bytes]:  # noqa: ANN401 - likewise
    name, read = f"{scheme}://{entry.path}", 0
    with _told_apart(scheme, name), files.open_input_stream(entry.path, compression=None) as file:
        while piece := file.read(_PIECE):
            read += len(piece)
            yield piece
    if entry.size and read != entry.size:
        raise _cut_off(name, read, entry.size)


@contextmanager
def _told_apart(scheme: str, name: str) -> Iterator[None]:
    """Turn what an object store says into a refusal of the right kind."""
    from pyarrow import ArrowException  # noqa: PLC0415 - only an address pays for it

    try:
        yield
    except (ImportError, TypeError):
        raise UsageError(f"The installed pyarrow reads no {scheme}:// addresses.") from None
    except FileNotFoundError:
        raise UsageError(f"There is nothing to read at {name}.") from None
    except (OSError, ValueError, ArrowException) as error:
        said = " ".join(str(error).split())
        if _ABSENT_WORDS.search(said):
            raise UsageError(f"There is nothing to read at {name}.") from None
        if _DENIED_WORDS.search(said):
            raise StorageError(
                f"{name} may not be read: its store refuses.",
                hint=f"Credentials are taken from {_VARIABLES[scheme]}.",
            ) from None
        why = (said.partition("operation: ")[2] or said)[:_SAID_AT_MOST].rstrip(".")
        raise TryAgainError(f"The store of {name} cannot be reached: {why}.") from None


def _file_system(scheme: str, bucket: str) -> Any:  # noqa: ANN401 - likewise
    from pyarrow import fs  # noqa: PLC0415 - only an address pays for it

    if scheme == "gs":
        emulator = os.environ.get("STORAGE_EMULATOR_HOST", "")
        near = {"scheme": "http", "endpoint_override": emulator.partition("://")[2] or emulator}
        has_key = "GOOGLE_APPLICATION_CREDENTIALS" in os.environ
        return fs.GcsFileSystem(
            anonymous=not has_key,
            retry_time_limit=timedelta(seconds=_SECONDS / _TRIES),
            **(near if emulator else {}),
        )
    return _azure(fs) if scheme == "az" else _s3(fs, bucket)


def _s3(fs: Any, bucket: str) -> Any:  # noqa: ANN401 - likewise
    here = os.environ.get
    endpoint = here("AWS_ENDPOINT_URL_S3") or here("AWS_ENDPOINT_URL")
    region = here("AWS_REGION") or here("AWS_DEFAULT_REGION")
    if not region and not endpoint:
        region = fs.resolve_s3_region(bucket)
    keys: dict[str, Any] = {}
    if here("AWS_ACCESS_KEY_ID"):
        keys["access_key"] = here("AWS_ACCESS_KEY_ID")
        keys["secret_key"] = here("AWS_SECRET_ACCESS_KEY", "")
        keys["session_token"] = here("AWS_SESSION_TOKEN")
    elif not any(map(here, _ELSEWHERE)):
        keys["anonymous"] = True
    return fs.S3FileSystem(
        region=region or "us-east-1",
        endpoint_override=endpoint,
        connect_timeout=_SECONDS,
        request_timeout=_SECONDS,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=_TRIES),
        **keys,
    )


def _azure(fs: Any) -> Any:  # noqa: ANN401 - likewise
    here = os.environ.get
    account = here("AZURE_STORAGE_ACCOUNT_NAME") or here("AZURE_STORAGE_ACCOUNT")
    if not account:
        raise UsageError(
            "An az:// address needs the name of its account.", hint=f"Set {_VARIABLES['az']}."
        )
    key = here("AZURE_STORAGE_ACCOUNT_KEY") or here("AZURE_STORAGE_KEY")
    token = here("AZURE_STORAGE_SAS_TOKEN")
    program = [here(f"AZURE_{name}") for name in ("CLIENT_ID", "CLIENT_SECRET", "TENANT_ID")]
    if key:
        return fs.AzureFileSystem(account, account_key=key)
    if token:
        return fs.AzureFileSystem(account, sas_token=token)
    if all(program):
        named = zip(("client_id", "client_secret", "tenant_id"), program, strict=True)
        return fs.AzureFileSystem(account, **dict(named))
    # Without one its client asks programs and addresses of its own for credentials.
    raise UsageError(
        "An az:// address needs a key of its account.", hint=f"Set {_VARIABLES['az']}."
    )
