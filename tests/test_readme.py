"""The README says what the program does: each setting, command and table is in it."""

import re
from pathlib import Path

import pytest

from scheduled.settings import VARIABLES, Settings
from scheduled.tables import metadata
from scheduled.version import VERSION

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def commands() -> list[str]:
    from scheduled.cli import COMMANDS

    return sorted(COMMANDS)


@pytest.mark.parametrize("variable", VARIABLES)
def test_it_documents_each_setting(variable: str) -> None:
    assert f"| `{variable}` |" in README


@pytest.mark.parametrize("variable", VARIABLES)
def test_it_documents_each_default(variable: str) -> None:
    default = Settings.model_fields[VARIABLES[variable]].default
    documented = re.search(rf"\| `{variable}` \| `?([^|`]+)", README)
    assert documented is not None
    assert default is None or documented.group(1) == str(default).lower().replace("info", "INFO")


def test_it_documents_no_setting_that_does_not_exist() -> None:
    assert set(re.findall(r"\| `(SCHEDULE_[A-Z_]+)` \|", README)) <= set(VARIABLES)


@pytest.mark.parametrize("command", commands())
def test_it_documents_each_command(command: str) -> None:
    assert f"scheduled {command}" in README


@pytest.mark.parametrize("table", sorted(metadata.tables))
def test_it_documents_each_table(table: str) -> None:
    assert f"| `{table}` |" in README


def test_it_never_tells_anyone_to_install_the_other_scheduled() -> None:
    assert "pip install scheduled" not in README


def test_the_changelog_the_package_and_the_project_agree_on_the_version() -> None:
    changelog = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    project = re.search(
        r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert changelog is not None
    assert project is not None
    assert changelog.group(1) == project.group(1) == VERSION
