"""The fixture `scheduled_daemon`, for tests of your own schedules.py. pytest finds it by itself.

pytest imports this in every run, also where nobody uses it: so it imports nothing until somebody does.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from scheduled.registry import Registry
    from scheduled.settings import Settings
    from scheduled.testing import ManualDaemon


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(
        "scheduled_definitions",
        "Where the schedules are defined that the fixture scheduled_daemon runs: a file (seen from the root "
        "folder), a module or module:attribute. By default what SCHEDULE_DEFINITIONS says, or schedules.py.",
    )


@pytest.fixture
def scheduled_definitions(pytestconfig: pytest.Config) -> "str | Registry":
    """What `scheduled_daemon` runs: where it is defined, or a Registry. Override it for other definitions."""
    from scheduled.settings import Settings, Sources

    default: str = Settings.model_fields["definitions"].default
    said = Sources(folder=pytestconfig.rootpath).values().get("SCHEDULE_DEFINITIONS", default)
    where = str(pytestconfig.getini("scheduled_definitions") or said)
    source, colon, attribute = where.partition(":")
    is_file = source.endswith(".py") or "/" in source
    return f"{pytestconfig.rootpath / source}{colon}{attribute}" if is_file else where


@pytest.fixture
def scheduled_settings() -> "Settings":
    """The settings of `scheduled_daemon`: the defaults, so that tests are the same on every machine."""
    from scheduled.settings import Settings

    return Settings()


@pytest.fixture
def scheduled_now() -> datetime:
    """The instant at which `scheduled_daemon` starts; override or parametrize it for another one."""
    from scheduled.testing import START

    return START


@pytest.fixture
def scheduled_daemon(
    scheduled_definitions: "str | Registry", scheduled_settings: "Settings", scheduled_now: datetime
) -> "Iterator[ManualDaemon]":
    """A daemon that you crank by hand, over your own schedules.py and a database in memory.

    It starts at `scheduled_now`. Schedules that are off by default are off: enable("nightly") is for those.
    Your real jobs run, unless you replace them: stub("backup", seconds=90), or all of them: stub().
    """
    from scheduled.testing import manual_daemon

    with manual_daemon(scheduled_definitions, now=scheduled_now, settings=scheduled_settings) as daemon:
        yield daemon
