"""The fixture `scheduled_daemon`, in a pytest run of its own as a team would have it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DEFINITIONS = """
from pathlib import Path
from scheduled import Schedule, command, job

@job
def sync() -> int:
    Path("synced").touch()
    return 7

backup = command("backup", "touch backed-up")

schedules = [
    Schedule(id="nightly", name="Nightly", cron="0 2 * * *", timezone="Europe/Riga"),
    Schedule(id="hourly", name="Hourly", cron="@hourly", mode="JOBS", jobs=["sync"], enabled_by_default=True),
    Schedule(id="dev", name="Dev", cron="every second", environments=["development"]),
]
"""
OTHERS = ("cacheprovider", "hypothesispytest", "xdist", "schemathesis", "anyio", "pytest_cov")
"""Plugins of this environment that a team need not have, and that take seconds to import."""


class Team:
    """A folder with a schedules.py, and its tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("schedules.py", DEFINITIONS)
        self.env = {
            name: value for name, value in os.environ.items() if not name.startswith(("SCHEDULE", "PYTEST"))
        }

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def test(self, body: str, *options: str, cwd: str = ".", **env: str) -> str:
        """What pytest says of this test, and that it passes."""
        self.write("test_schedules.py", body)
        argv = [
            sys.executable,
            *("-m", "pytest"),
            *(f"-pno:{plugin}" for plugin in OTHERS),
            "-W",
            "error",
            *options,
            str(self.folder),
        ]
        done = subprocess.run(
            argv, cwd=self.folder / cwd, env=self.env | env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def team(tmp_path: Path) -> Team:
    return Team(tmp_path)


def test_a_team_tests_its_schedules_in_a_few_lines(team: Team) -> None:
    team.test(
        """
def test_nightly(scheduled_daemon):
    scheduled_daemon.enable("nightly")
    scheduled_daemon.stub("backup", seconds=90)
    scheduled_daemon.advance(days=2, hours=12)
    assert len(scheduled_daemon.ran("nightly")) == 3

def test_it_is_off_until_somebody_switches_it_on(scheduled_daemon):
    scheduled_daemon.advance(days=2)
    assert scheduled_daemon.ran("nightly") == []
    assert len(scheduled_daemon.ran("hourly")) == 49
"""
    )
    assert (team.folder / "synced").exists()
    assert not (team.folder / "backed-up").exists()


def test_what_the_readme_shows_works_on_the_schedules_of_this_repository(team: Team) -> None:
    section = (
        (ROOT / "README.md").read_text(encoding="utf-8").partition("## Testing your own schedules.py")[2]
    )
    code = section.partition("```python\n")[2].partition("```")[0]
    assert len([line for line in code.splitlines() if line]) <= 10
    team.write("schedules.py", (ROOT / "schedules.py").read_text(encoding="utf-8"))
    assert "2 passed" in team.test(code)


def test_they_say_when_it_begins(team: Team) -> None:
    team.test(
        """
from datetime import UTC, datetime
import pytest

@pytest.mark.parametrize("scheduled_now", [datetime(2026, 3, 28, 12, tzinfo=UTC)])
def test_the_clocks_go_forward(scheduled_daemon):
    scheduled_daemon.stub()
    scheduled_daemon.enable("nightly")
    scheduled_daemon.advance(days=2)
    assert [row.due_at.hour for row in scheduled_daemon.ran("nightly")] == [0, 23]
"""
    )


def test_they_override_what_runs_and_how(team: Team) -> None:
    team.write(
        "conftest.py",
        """
import pytest
from scheduled import Registry, Schedule, Settings, job

@job(name="other")
def other(): ...

@pytest.fixture
def scheduled_definitions():
    return Registry.of([Schedule(id="dev", name="Dev", cron="@hourly", enabled_by_default=True)])

@pytest.fixture
def scheduled_settings():
    return Settings(environment="development")
""",
    )
    team.test(
        """
def test_other(scheduled_daemon):
    scheduled_daemon.advance(hours=1)
    assert [run["job_name"] for run in scheduled_daemon.runs()] == ["other", "other"]
    assert scheduled_daemon.settings.environment == "development"
"""
    )


WHERE = """
def test_where(scheduled_daemon):
    assert list(scheduled_daemon.registry.schedules) == ["elsewhere"]
"""
ELSEWHERE = """
from scheduled import Schedule, job
@job
def work(): ...
schedules = [Schedule(id="elsewhere", name="Elsewhere", cron="@hourly")]
"""


@pytest.mark.parametrize("where", ["jobs/plan.py", "jobs/plan.py:schedules", "plan"])
def test_they_name_the_definitions_in_pytest_ini(team: Team, where: str) -> None:
    (team.folder / "jobs").mkdir()
    team.write("jobs/plan.py", ELSEWHERE)
    team.write("plan.py", ELSEWHERE)
    team.write("pytest.ini", f"[pytest]\nscheduled_definitions = {where}\n")
    team.test(WHERE, SCHEDULE_DEFINITIONS="nowhere.py")


def test_the_environment_and_dotenv_name_them_too(team: Team) -> None:
    team.write("plan.py", ELSEWHERE)
    team.test(WHERE, SCHEDULE_DEFINITIONS="plan.py")
    team.write(".env", "SCHEDULE_DEFINITIONS=plan.py\nSCHEDULE_ENV=development\n")
    team.test(WHERE)


def test_it_finds_the_definitions_from_any_folder(team: Team) -> None:
    team.write("pytest.ini", "[pytest]\n")
    (team.folder / "sub").mkdir()
    team.test("def test_it(scheduled_daemon):\n    assert scheduled_daemon.registry.schedules\n", cwd="sub")


def test_who_does_not_use_it_does_not_pay_for_it(team: Team) -> None:
    team.test(
        """
import sys
def test_nothing_is_imported():
    ours = {name for name in sys.modules if name.partition(".")[0] == "scheduled"}
    assert ours == {"scheduled", "scheduled.pytest_plugin"}
    assert not {"sqlalchemy", "pydantic", "croniter"} & set(sys.modules)
"""
    )


def test_pytest_lists_the_fixtures_with_what_they_are(team: Team) -> None:
    told = team.test("def test_it(): ...\n", "--fixtures")
    assert "scheduled_daemon" in told
    assert "A daemon that you crank by hand" in told
