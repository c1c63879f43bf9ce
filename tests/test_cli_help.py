import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduled.cli import COMMANDS, main
from tests.cli_support import Place, place_at

HEAVY = {
    "sqlalchemy",
    "sqlmodel",
    "apscheduler",
    "croniter",
    "rich",
    "pydantic",
    "alembic",
    "humanize",
    "psutil",
    "argon2",
    "jwt",
}
DB_COMMANDS = [("db", "upgrade"), ("db", "current"), ("db", "downgrade"), ("db", "copy")]
USER_COMMANDS = [("user", name) for name in ("add", "list", "passwd", "role", "remove")]
EVERY_COMMAND = [(), *((name,) for name in COMMANDS), *DB_COMMANDS, *USER_COMMANDS]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    with place_at(tmp_path, monkeypatch) as found:
        yield found


def modules_after(*arguments: str) -> set[str]:
    """What a fresh interpreter has imported once the command has answered."""
    code = f"import sys; from scheduled.cli import main; main({list(arguments)!r}, standalone_mode=False)"
    code += "; print('=' * 9, *sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.partition("=" * 9)[2].split())


@pytest.mark.parametrize("command", EVERY_COMMAND, ids=" ".join)
def test_help_loads_nothing_heavy(command: tuple[str, ...]) -> None:
    code = "import sys; from scheduled.cli import main; main(sys.argv[1:], standalone_mode=False)"
    code += "; print('=' * 9, *sys.modules)"
    argv = [sys.executable, "-c", code, *command, "--help"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.partition("=" * 9)[2].split())


def test_the_first_help_loads_no_command() -> None:
    ours = {name for name in modules_after("--help") if name.startswith("scheduled.")}
    assert ours == {"scheduled.cli"}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_first_help_says_what_the_command_says_of_itself(name: str) -> None:
    command = main.get_command(main.make_context("scheduled", [name]), name)
    assert command is not None
    assert command.name == name
    assert (command.help or "").startswith(COMMANDS[name][1].removesuffix("."))


@pytest.mark.parametrize("name", COMMANDS)
def test_the_first_help_lists_each_command(name: str, place: Place) -> None:
    assert f"\n  {name} " in place.out("--help")


def test_it_suggests_a_command_for_a_misspelt_one(place: Place) -> None:
    assert "there is no command 'histry': did you mean 'history'?" in place.error("histry", status=2)


def test_there_is_no_command_of_another_name() -> None:
    assert main.get_command(main.make_context("scheduled", ["list"]), "histry") is None


def test_an_unknown_option_is_a_usage_error(place: Place) -> None:
    assert "No such option" in place.error("--what", status=2)


def test_without_a_command_it_shows_the_help_and_exits_2(place: Place) -> None:
    assert "Commands:" in place.error(status=2)


def test_it_has_the_version_as_an_option_too(place: Place) -> None:
    assert place.out("--version") == f"scheduled {place.json('version')['version']}\n"


def test_an_error_of_the_system_is_one_line(place: Place) -> None:
    place.define("", "folder")
    assert place.error("init", "folder/below").count("\n") == 1


def test_a_fault_of_our_own_keeps_its_traceback(place: Place) -> None:
    place.patch.setattr("scheduled.cli.common.settings", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["list"])


@pytest.mark.acceptance
def test_a_closed_pipe_is_no_traceback() -> None:
    script = f"{sys.executable} -m scheduled next '* * * * *' --count 10000 | head -1"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("Every minute (UTC)\n", "")


@pytest.mark.acceptance
def test_python_m_scheduled_is_the_command() -> None:
    argv = [sys.executable, "-m", "scheduled", "--help"]
    assert subprocess.check_output(argv, text=True).startswith("Usage: scheduled [OPTIONS]")
