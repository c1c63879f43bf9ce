from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from scheduled.cli import main
from tests.access.conftest import quick_hashing
from tests.cli_support import Place, place_at

__all__ = ["quick_hashing"]
GOOD = "correct horse battery"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick_hashing: None) -> Iterator[Place]:
    with place_at(tmp_path, monkeypatch) as found:
        found.call("db", "upgrade")
        yield found


def typing(text: str, *arguments: str, status: int = 0) -> Result:
    """Call the command, and type that."""
    result = CliRunner().invoke(main, ["user", *arguments], input=text)
    assert result.exit_code == status, result.output
    return result


def add(name: str = "ada", role: str = "ADMIN") -> None:
    typing(GOOD + "\n", "add", name, "--role", role, "--password-stdin")


def test_it_adds_a_user_and_does_not_show_the_password(place: Place) -> None:
    result = typing(f"{GOOD}\n{GOOD}\n", "add", "Ada", "--role", "admin")
    assert result.stdout.endswith("ada may log in, as ADMIN\n")
    assert GOOD not in result.output
    assert place.json("user", "list")[0]["name"] == "ada"


def test_it_asks_again_when_the_passwords_differ(place: Place) -> None:
    result = typing(f"{GOOD}\nanother one\n{GOOD}\n{GOOD}\n", "add", "ada", "--role", "admin")
    assert "do not match" in result.output
    assert "ada may log in" in result.output


def test_it_reads_a_password_from_stdin(place: Place) -> None:
    result = typing(f"{GOOD}\r\nmore\n", "add", "ada", "--role", "viewer", "--password-stdin")
    assert result.output == "ada may log in, as VIEWER\n"


def test_an_empty_stdin_is_no_password(place: Place) -> None:
    result = typing("", "add", "ada", "--role", "viewer", "--password-stdin", status=2)
    assert result.stderr == "Error: there is no password on stdin: its first line is empty\n"


def test_it_refuses_a_short_password(place: Place) -> None:
    assert (
        "fewer than 10"
        in typing("short\n", "add", "a", "--role", "viewer", "--password-stdin", status=2).stderr
    )


def test_it_names_the_roles_when_none_is_given(place: Place) -> None:
    assert "viewer" in typing("", "add", "ada", status=2).stderr.lower()


def test_it_refuses_a_bad_name_before_it_asks(place: Place) -> None:
    assert "is no name for a user" in typing("", "add", "a b", "--role", "viewer", status=2).output


def test_it_lists_users(place: Place) -> None:
    add()
    row = place.out("user", "list").splitlines()[-1].split()
    assert row[:2] == ["ada", "ADMIN"]
    assert place.json("user", "list")[0].keys() == {
        "name", "role", "created_at", "password_changed_at", "last_login_at",
    }  # fmt: skip


def test_the_empty_list_says_how_to_begin(place: Place) -> None:
    assert "scheduled user add NAME --role ADMIN" in place.out("user", "list")
    assert place.json("user", "list") == []


def test_it_changes_a_password(place: Place) -> None:
    add()
    said = typing("another good one\n", "passwd", "ada", "--password-stdin").output
    assert said == "ada has another password now, and is logged out everywhere\n"


def test_it_asks_for_no_password_of_an_unknown_user(place: Place) -> None:
    add()
    result = typing("", "passwd", "adda", status=2)
    assert result.output == "Error: there is no user 'adda': did you mean 'ada'?\n"


def test_it_changes_a_role(place: Place) -> None:
    add()
    add("bob", "viewer")
    assert place.out("user", "role", "bob", "operator") == "bob is OPERATOR\n"
    assert place.out("user", "role", "bob", "OPERATOR") == "bob is OPERATOR already\n"


def test_it_removes_the_last_admin_by_force_alone(place: Place) -> None:
    add()
    assert "ada is the last ADMIN" in place.error("user", "remove", "ada")
    assert place.out("user", "remove", "ada", "--force") == "ada may log in no more\n"


def test_the_audit_tells_who_did_it(place: Place) -> None:
    add()
    event = place.json("events")[0]
    assert event["event"] == "user_added"
    assert "@" in event["actor"]
    assert "user ada as ADMIN" in place.out("events")


def test_without_its_extra_it_says_what_to_install(place: Place) -> None:
    from scheduled.access import passwords

    place.patch.undo()
    passwords._hasher.cache_clear()
    place.patch.setitem(__import__("sys").modules, "argon2", None)
    place.patch.chdir(place.folder)
    said = typing(GOOD, "add", "ada", "--role", "viewer", "--password-stdin", status=1).stderr
    assert "install scheduled-daemon[web]" in said
