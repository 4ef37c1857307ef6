"""The secret is found, made once, private, and refused where it could be guessed."""

import stat

import pytest

from csk.errors import StorageError, UsageError
from csk.intake.identity.secret import own_file, secret

LONG = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    monkeypatch.delenv("CSK_ID_KEY", raising=False)


def test_a_key_is_made_once_and_is_its_owners_alone(tmp_path):
    first, second = secret(), secret()
    assert (first.is_new, second.is_new, first.key == second.key) == (True, False, True)
    assert own_file() == tmp_path / "settings" / "csk" / "id.key" == first.path
    assert stat.S_IMODE(own_file().stat().st_mode) == 0o600
    assert [path.name for path in own_file().parent.iterdir()] == ["id.key"]
    assert len(own_file().read_text().strip()) == 64


def test_a_key_is_shown_by_no_repr():
    assert secret().key.hex() not in repr(secret())
    assert own_file().read_text().strip() not in repr(secret())


def test_a_named_file_wins_over_the_variable_over_the_own_file(tmp_path, monkeypatch):
    path = tmp_path / "a.key"
    path.write_text(LONG + "\n")
    path.chmod(0o600)
    own = secret().key
    monkeypatch.setenv("CSK_ID_KEY", LONG[::-1])
    of_variable = secret()
    of_file = secret(path)
    assert len({own, of_variable.key, of_file.key}) == 3
    assert (of_variable.path, of_file.path, of_file.is_open) == (None, path, False)
    monkeypatch.setenv("CSK_ID_KEY", f" {LONG} ")
    assert secret().key == of_file.key
    path.chmod(0o644)
    assert secret(path).is_open


@pytest.mark.parametrize(
    ("written", "said"),
    [("short", "could be guessed"), ("", "could be guessed"), (b"\xff" * 40, "is not text")],
)
def test_a_file_that_holds_no_secret_is_refused_without_showing_it(tmp_path, written, said):
    path = tmp_path / "a.key"
    path.write_bytes(written if isinstance(written, bytes) else written.encode())
    with pytest.raises(UsageError, match=said) as told:
        secret(path)
    assert "short" not in told.value.sentence
    assert "openssl rand" in told.value.hint


def test_what_cannot_be_a_secret_is_refused(tmp_path, monkeypatch):
    with pytest.raises(UsageError, match="There is no key file"):
        secret(tmp_path / "none")
    with pytest.raises(StorageError, match="cannot be read"):
        secret(tmp_path)
    path = tmp_path / "a.key"
    path.write_text(LONG)
    monkeypatch.setenv("CSK_ID_KEY", str(path))
    with pytest.raises(UsageError, match="the name of a file") as told:
        secret()
    assert "--key" in told.value.hint


def test_a_folder_that_cannot_be_written_is_refused(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))
    with pytest.raises(StorageError, match="could not be kept") as told:
        secret()
    assert "CSK_ID_KEY" in told.value.hint
