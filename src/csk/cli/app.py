"""The program: its commands, and the only place where an error becomes an exit code."""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, Final, NoReturn

import typer

from csk import __version__
from csk.cli import emit
from csk.cli.language import VARIABLE, speak
from csk.engine.spill import spill_folder
from csk.errors import CskError, ExitCode, StorageError
from csk.registry import names
from csk.text import DEFAULT

_COMMANDS: Final = "csk.cli.commands"
_PANIC: Final = "PanicException"
"""Of a library in Rust: a failure like any other, though it is no Exception."""
_SPILLED: Final = "exceeded the out-of-core disk budget"
"""What Polars says where its spill would fill the disk."""
_EPILOG: Final = (
    "Exit codes: 0 ok, 2 usage, 3 data, 4 model, 74 disk, 75 try again, 130 interrupted, 1 a bug."
)


def app() -> typer.Typer:
    """Return the program with every command found in `cli/commands/`."""
    program = typer.Typer(
        name="csk",
        help="Churn and LTV from exported files: who stays, what they are worth, what to do."
        "\n\nExample: csk segment exports/ -o customers.parquet",
        epilog=_EPILOG,
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    program.callback()(_root)
    modules = [import_module(f"{_COMMANDS}.{name}") for name in names(_COMMANDS)]
    for module in sorted(modules, key=lambda module: module.ORDER):
        name = module.__name__.rpartition(".")[2]
        program.command(name.replace("_", "-"), rich_help_panel=module.QUESTION)(
            getattr(module, name)
        )
    return program


def _version(value: bool) -> None:  # noqa: FBT001 # the shape that typer calls
    if value:
        sys.stdout.write(f"csk {__version__}\n")
        raise typer.Exit


def _root(
    version: bool = typer.Option(  # noqa: FBT001 # a flag
        False,  # noqa: FBT003 # its default
        "--version",
        callback=_version,
        is_eager=True,
        help="Print the version.",
    ),
    lang: str = typer.Option(
        DEFAULT, "--lang", envvar=VARIABLE, metavar="LANGUAGE", help="Language of reports: en, ja."
    ),
) -> None:
    del version
    speak(lang)


def run(arguments: Sequence[str], allow_spill: Callable[[str | None], None]) -> int:
    """Run the program on arguments; every refusal and failure becomes a sentence and a code."""
    try:
        allow_spill(_memory(arguments))
        result: Any = app()(args=list(arguments), standalone_mode=False, prog_name="csk")
        sys.stdout.flush()
    except CskError as error:
        emit.refusal(error)
        return int(error.exit_code)
    except KeyboardInterrupt:
        _interrupted()
    except SystemExit as ended:
        # Typer leaves with 1 where a reader closed the pipe; completion leaves with its own code.
        if isinstance(ended.__context__, BrokenPipeError):
            return _closed_pipe()
        raise
    except BaseException as error:  # the last handler: a bug becomes a sentence
        if not (isinstance(error, Exception) or type(error).__name__ == _PANIC):
            raise
        return _failed(error)
    if result == ExitCode.INTERRUPTED:  # Typer has caught the interruption
        _interrupted()
    return result if isinstance(result, int) else int(ExitCode.OK)


def _failed(error: BaseException) -> int:
    if isinstance(error, BrokenPipeError):
        return _closed_pipe()
    if isinstance(error, typer.Abort):
        return int(ExitCode.INTERRUPTED)
    show = getattr(error, "show", None)
    if callable(show) and hasattr(error, "exit_code"):
        show()
        return int(ExitCode.USAGE)
    if isinstance(error, OSError):
        where = f" ({error.filename})" if error.filename else ""
        _drop_output()
        emit.failure(f"Reading or writing failed: {error.strerror or error}{where}.")
        return int(ExitCode.STORAGE)
    if _SPILLED in str(error):
        emit.refusal(
            StorageError(
                f"What does not fit in memory does not fit in {spill_folder()} either.",
                hint="Free some space, name another folder with TMPDIR, or give more --memory.",
            )
        )
        return int(ExitCode.STORAGE)
    emit.bug(error)
    return int(ExitCode.BUG)


def _closed_pipe() -> int:
    """Leave in silence: whoever read our output has what it wanted."""
    _drop_output()
    return int(ExitCode.OK)


def _drop_output() -> None:
    """Let go of what stdout still holds, so that it is not tried again on the way out."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _interrupted() -> NoReturn:
    """Leave at once: temporary files were removed on the way up, threads are not waited for."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    emit.failure("Interrupted; no output was left half-written.")
    os._exit(ExitCode.INTERRUPTED)


def _memory(arguments: Sequence[str]) -> str | None:
    """Find `--memory` before any import that would make it too late."""
    for position, argument in enumerate(arguments):
        if argument.startswith("--memory="):
            return argument.partition("=")[2]
        if argument == "--memory" and position + 1 < len(arguments):
            return arguments[position + 1]
    return None
