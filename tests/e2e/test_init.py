"""From a folder of exports to a settings file, with a person at the terminal or without."""

import fcntl
import json
import os
import pty
import select
import signal
import termios
import time
import tomllib

import pytest

from csk.errors import ExitCode
from csk.settings import Settings, settings

SUBSCRIPTIONS = (
    "契約番号,会員番号,開始日,終了日,月額\n"
    "S1,M1,2024-01-05,,1200\nS2,M2,2024-02-10,2024-09-01,980\nS3,M3,2024-03-01,,1200\n"
)
USAGE = (
    "会員番号,利用日時,機能\n"
    "M1,2024-05-01T15:30:00Z,検索\nM2,2024-05-02T03:10:00Z,検索\nM1,2024-06-30T23:59:00Z,出力\n"
)
AMBIGUOUS = "customer,date,amount,currency\n" + "".join(
    f"C{n % 4},{n % 9 + 1:02}/{n % 7 + 2:02}/2024,10.5,USD\n" for n in range(40)
)
PATIENCE_SECONDS = 60


@pytest.fixture
def folder(tmp_path):
    """Give a writer of a folder of exports."""

    def written(**files):
        place = tmp_path / "exports"
        place.mkdir()
        for name, text in files.items():
            (place / f"{name}.csv").write_text(text, encoding="utf-8")
        return place

    return written


@pytest.fixture
def japanese(folder):
    return folder(subscriptions=SUBSCRIPTIONS, usage=USAGE)


def loaded(path):
    return settings({}, path).model_dump()


def by_itself(**changes):
    return Settings(**changes).model_dump()


def owns_its_terminal():
    """Make Ctrl-C on the terminal a signal to the program, as a shell does."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def talk(started, arguments, *replies):
    """Answer on a terminal, each reply when its prompt stands; return code and screen."""
    screen, terminal = pty.openpty()
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), terminal)
    variables = {"TERM": "xterm", "COLUMNS": "80", "NO_COLOR": "1"}
    process = started(*arguments, **streams, variables=variables, preexec_fn=owns_its_terminal)
    os.close(terminal)
    shown, waiting = b"", list(replies)
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        if not select.select([screen], [], [], 0.2)[0]:
            if waiting and shown.rstrip(b" ").endswith(b":"):
                os.write(screen, waiting.pop(0))
            continue
        try:
            part = os.read(screen, 1 << 16)
        except OSError:
            break
        if not part:
            break
        shown += part
    os.close(screen)
    return process.wait(PATIENCE_SECONDS), shown.decode()


def test_three_questions_and_their_answers_stand_in_the_file(started, japanese):
    code, shown = talk(started, ["init", japanese], b"nonsense\r", b"\r", b"70%\r", b"\r")
    assert code == 0, shown
    assert [f"{n} of 3" in shown for n in (1, 2, 3, 4)] == [True, True, True, False]
    assert shown.count("Write a code of three letters") == 1
    assert loaded(japanese / "csk.toml") == by_itself(
        currency="JPY", margin_share=0.7, tz="Asia/Tokyo"
    )


def test_ctrl_c_at_a_question_leaves_nothing(started, japanese, temporary):
    before = sorted(japanese.iterdir())
    code, shown = talk(started, ["init", japanese], b"USD\r", b"\x03")
    assert (code, "Traceback" in shown) == (ExitCode.INTERRUPTED, False), shown
    assert sorted(japanese.iterdir()) == before
    assert not list(temporary.iterdir())


@pytest.mark.parametrize("arguments", [("--yes",), ()])
def test_nobody_is_asked_without_a_terminal_or_with_yes(quick, japanese, arguments):
    ran = quick("init", japanese, *arguments)
    assert (ran.code, ran.err) == (0, "")
    assert loaded(japanese / "csk.toml") == by_itself(currency="JPY", tz="Asia/Tokyo")
    assert (japanese / "csk.toml").read_text("utf-8").count("nobody was asked") == 2
    assert "Left open: margin_share, tax." in ran.out.decode()


def test_every_file_has_its_line(quick, folder):
    place = folder(payments=AMBIGUOUS.replace("/2024", "/2024"), notes="a,b\n1,2\n", empty="")
    ran = quick("init", place)
    told = ran.out.decode()
    assert ran.code == 0
    assert all(name in told for name in ("payments.csv", "notes.csv: no columns", "empty.csv: the"))
    assert "nothing tells whether day or month comes first" in told


def test_the_order_of_day_and_month_is_asked_first(started, folder):
    place = folder(payments=AMBIGUOUS)
    code, shown = talk(started, ["init", place], b"2\r", b"\r", b"\r")
    assert code == 0, shown
    assert shown.index("read as dmy is 2024-") < shown.index("Gross margin")
    assert loaded(place / "csk.toml") == by_itself(date_order="mdy")


def test_a_file_can_be_skipped_and_is_told_so(quick, folder):
    place = folder(charges=GUESSED, invoices="customer_id,day,amount\n")
    (place / "csk.toml").write_text('skip = ["inv*"]\n')
    told = quick("check", place).out.decode()
    assert "invoices.csv is not read: the settings skip it." in told
    told = quick("check", place / "charges.csv", place / "invoices.csv").out.decode()
    assert "the settings skip" not in told


def test_a_settings_file_is_never_lost(quick, japanese):
    target = japanese / "csk.toml"
    target.write_text('currency = "USD"\n')
    ran = quick("init", japanese, "--yes")
    assert (ran.code, "is there already" in ran.err) == (ExitCode.USAGE, True)
    assert target.read_text() == 'currency = "USD"\n'
    for earlier in ("csk.toml.bak", "csk.toml.bak2"):
        held = target.read_bytes()
        ran = quick("init", japanese, "--yes", "--force")
        assert (ran.code, earlier in ran.out.decode()) == (0, True)
        assert (japanese / earlier).read_bytes() == held
    assert loaded(target)["currency"] == "JPY"


def test_another_file_can_be_written(quick, japanese, tmp_path):
    ran = quick("init", japanese, "--yes", "-o", tmp_path / "other.toml")
    assert ran.code == 0
    assert "--config" in ran.out.decode()
    assert loaded(tmp_path / "other.toml")["currency"] == "JPY"
    assert not (japanese / "csk.toml").exists()


@pytest.mark.parametrize(
    ("files", "code", "said"),
    [
        ({}, ExitCode.USAGE, "Nothing to read at"),
        ({"notes": "a,b\n1,2\n"}, ExitCode.DATA, "No file tells who pays"),
    ],
)
def test_nothing_is_written_where_nothing_can_be_set(quick, folder, files, code, said):
    place = folder(**files)
    ran = quick("init", place)
    assert (ran.code, said in ran.err) == (code, True), ran.err
    assert not (place / "csk.toml").exists()


def test_a_file_is_no_folder(quick, export):
    ran = quick("init", export)
    assert (ran.code, "is no folder" in ran.err) == (ExitCode.USAGE, True)


GUESSED = "customer_id,date,total,subtotal\n" + "".join(
    f"C{n % 9},2024-0{n % 9 + 1}-15,{n + 10},{n + 9}\n" for n in range(40)
)


def test_a_guess_is_written_and_what_it_could_be_otherwise(quick, folder):
    place = folder(orders=GUESSED)
    assert quick("init", place).code == 0
    text = (place / "csk.toml").read_text("utf-8")
    assert 'amount = "total"  # or: subtotal' in text
    assert loaded(place / "csk.toml")["columns"] == {
        "payments": {"customer_id": "customer_id", "paid_on": "date", "amount": "total"}
    }
    assert quick("check", place).code == 0


def settings_read(ran):
    """What a run says of its settings, however its lines are broken."""
    return "".join(ran.out.decode().split()).partition("Settings:")[2]


def test_what_lies_beside_the_files_holds_and_nothing_else_is_nearer(
    quick, japanese, tmp_path, monkeypatch
):
    above, beside = tmp_path / "csk.toml", japanese / "csk.toml"
    above.write_text('ltv_horizon = "12m"\n')
    assert settings_read(quick("check", japanese)).startswith(f"{above}.")
    assert quick("init", japanese, "--yes").code == 0
    assert settings_read(quick("check", japanese)).startswith(f"{beside}.")
    assert settings_read(quick("check", japanese, "--config", above)).startswith(f"{above}.")
    monkeypatch.chdir(japanese)
    assert "csk.toml." in settings_read(quick("check", "subscriptions.csv"))


def test_two_folders_with_settings_of_their_own_are_refused(quick, tmp_path, payments, text):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.csv").write_text(text(payments))
        (tmp_path / name / "csk.toml").touch()
    ran = quick("check", "a", "b")
    assert (ran.code, "settings files of their own" in ran.err) == (ExitCode.USAGE, True)
    assert quick("check", "a", "b", "--config", "a/csk.toml").code == 0


def test_what_is_written_is_toml_that_any_reader_reads(quick, japanese):
    assert quick("init", japanese).code == 0
    read = tomllib.loads((japanese / "csk.toml").read_text("utf-8"))
    assert {name for name, value in read.items() if value != {}} == {"currency", "tz"}


@pytest.mark.parametrize("kind", ["japanese", "guessed", "people"])
def test_the_stub_as_settings_changes_nothing(quick, folder, tmp_path, kind):
    ids = "id,first name\n1,x\n2,y\n3,z\n"
    files = {
        "japanese": {"subscriptions": SUBSCRIPTIONS, "usage": USAGE},
        "guessed": {"orders": GUESSED, "more": GUESSED},
        "people": {"people": ids, "things": "id,colour\n7,red\n", "orders": GUESSED},
    }[kind]
    place = folder(**files)
    before = quick("check", place, "--report", "json").out
    stub = quick("check", place, "--stub")
    assert (stub.code, stub.err) == (0, "")
    (tmp_path / "stub.toml").write_bytes(stub.out)
    after = quick("check", place, "--report", "json", "--config", tmp_path / "stub.toml").out
    told = str(tmp_path / "stub.toml").encode()
    assert after.replace(b'"' + told + b'"', b"null") == before


def test_what_is_missing_is_a_stub_and_no_refusal(quick, folder):
    place = folder(
        orders="id,user_id,order_date\n1,1,2024-01-01\n2,3,2024-01-02\n", notes="a,b\n1,2\n"
    )
    ran = quick("check", place, "--stub")
    told = ran.out.decode()
    assert (ran.code, ran.err) == (0, "")
    assert '# amount = "?"  # needed; or unit_price_amount' in told
    assert "# notes.csv is not read: no columns" in told
    assert tomllib.loads(told)["columns"] == {}


def test_a_refusal_shows_what_was_understood_before_it(quick, folder):
    place = folder(payments=AMBIGUOUS.replace("/2024", "-2024x"), broken="1,2,3\n4,5,6\n")
    ran = quick("check", place, "--rows", "2")
    told = ran.out.decode()
    assert ran.code == ExitCode.DATA
    assert "! broken.csv stops the run: it has no header" in told


def test_first_rows_stand_in_the_report_and_in_its_json(quick, japanese):
    told = quick("check", japanese, "--rows", "2").out.decode()
    assert "usage.csv: first rows as usage" in told
    assert "Row 2  M2           2024-05-02T03:10:00Z  検索" in told
    ran = quick("check", japanese, "--rows", "2", "--report", "json")
    begins = json.loads(ran.out)["first_rows"]
    assert [(one["file"], len(one["rows"])) for one in begins] == [
        ("subscriptions.csv", 2),
        ("usage.csv", 2),
    ]
    assert begins[0]["rows"][0]["values"]["mrr_amount"] == {"value": "1200.0000", "text": "1200"}


def test_the_first_rows_of_a_pipe_are_refused(quick, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    ran = quick("check", tmp_path / "pipe", "--rows", "2")
    assert (ran.code, "can be read only once" in ran.err) == (ExitCode.USAGE, True)
