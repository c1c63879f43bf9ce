import shutil
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from scheduled import collecting
from scheduled.builtin import check_disk_space
from scheduled.context import JobContext
from scheduled.errors import DefinitionsError
from scheduled.running.calling import Outcome, call
from scheduled.words import Status

NOW = datetime(2026, 11, 21, 2, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a kilobyte a tenth is free, a tenth reserved for root."""
    usage = SimpleNamespace(total=1000, used=800, free=100)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(collecting, "_decorated", [])
    monkeypatch.setattr(
        shutil, "disk_usage", lambda path: usage if Path(path).exists() else Path(path).stat()
    )
    monkeypatch.delenv("DATABASE_URL", raising=False)


def run(**options: Any) -> Outcome:
    made = check_disk_space(**({"min_free_bytes": 100} | options))
    assert made.function is not None
    return call(made.function, lambda: JobContext("hourly", 7, 42, made.name, NOW))


def test_it_returns_the_figures_of_the_working_directory(tmp_path: Path) -> None:
    figures = {"free_percent": 11.11, "free_bytes": 100, "total_bytes": 1000}
    assert run().value == {str(tmp_path): figures}


def test_it_looks_at_the_databases_folder_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("DATABASE_URL", "sqlite:///data/app.db")
    assert run().value.keys() == {str(tmp_path), str(tmp_path / "data")}  # type: ignore[attr-defined]


@pytest.mark.parametrize("url", ["sqlite://", "postgresql+psycopg://host/app"])
def test_a_database_without_a_file_has_no_folder(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    assert len(run().value) == 1  # type: ignore[arg-type]


def test_it_fails_naming_the_path_with_too_few_per_cent(tmp_path: Path) -> None:
    outcome = run(paths=[tmp_path], min_free_percent=12)
    assert outcome.status is Status.FAILED
    assert outcome.error_message == (
        f"{tmp_path} has 11.11 % free, 100 bytes (at least 12 % and 100 bytes are wanted)"
    )


def test_it_fails_naming_the_path_with_too_few_bytes(tmp_path: Path) -> None:
    outcome = run(paths=str(tmp_path), min_free_bytes=101)
    assert str(outcome.error_message).startswith(f"{tmp_path} has ")


def test_it_fails_naming_every_path_that_is_wrong(tmp_path: Path) -> None:
    message = str(run(paths=["nowhere", tmp_path], min_free_percent=50).error_message)
    assert "nowhere cannot be looked at: No such file or directory; " in message
    assert f"{tmp_path} has" in message


def test_a_disk_of_no_size_is_not_full(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = SimpleNamespace(total=0, used=0, free=0)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: nothing)
    assert run(min_free_bytes=0).status is Status.COMPLETED


@pytest.mark.parametrize("wrong", [{"min_free_percent": 101}, {"min_free_bytes": -1}, {"pathes": ["/"]}])
def test_wrong_options_are_faults(wrong: dict[str, Any]) -> None:
    with pytest.raises(DefinitionsError, match=r"test_builtin_disk.py:\d+ job 'check-disk-space'"):
        check_disk_space(**wrong)
