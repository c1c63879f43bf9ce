"""`scheduled check` warns of what loads, but may surprise."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli_support import DEFINITIONS, NOON, Place, place_at

SURPRISING = DEFINITIONS.replace('"0 */6 * * *"', '"*/7 * * * *"')
SENTENCE = "it runs at 56 and then at 0, 4 minutes later"
DATABASE = Path("scheduled.db")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    with place_at(tmp_path, monkeypatch) as found:
        found.freeze(NOON)
        yield found


def files() -> dict[str, bytes]:
    """Everything in the folder, but for what Python makes of the definitions."""
    return {path.name: path.read_bytes() for path in Path.cwd().iterdir() if path.is_file()}


def test_it_lists_warnings_after_the_counts(place: Place) -> None:
    place.define(SURPRISING)
    first, _, warning = place.out("check").splitlines()
    assert first == "schedules.py is right: 4 schedules, 2 jobs"
    assert warning.startswith("warning: schedules.py:17 schedule 'broken': '*/7' in the field minute")
    assert SENTENCE in warning


def test_it_lists_them_as_json(place: Place) -> None:
    place.define(SURPRISING)
    found = place.json("check")
    (warning,) = found["warnings"]
    assert found["ok"]
    assert warning.keys() == {"where", "code", "message", "schedule", "job"}
    assert (warning["code"], warning["schedule"], warning["job"]) == ("uneven_step", "broken", None)


def test_they_fail_under_strict_alone(place: Place) -> None:
    place.define(SURPRISING)
    assert SENTENCE in place.out("check", "--strict", status=1)
    assert not place.json("check", "--strict", status=1)["ok"]


def test_strict_passes_where_there_is_nothing_to_say(place: Place) -> None:
    assert place.json("check", "--strict")["ok"]


def test_it_names_a_job_in_no_schedule(place: Place) -> None:
    place.define(DEFINITIONS.replace('id="elsewhere"', 'mode="JOBS", jobs=["works"], id="elsewhere"')
                 .replace('mode="GROUP", group="bad"', 'mode="JOBS", jobs=["works"]'))  # fmt: skip
    assert "job 'fails': no schedule runs it" in place.out("check")


def test_it_looks_at_the_history_where_there_is_one(place: Place) -> None:
    place.lived(days=1)
    place.sql("UPDATE job_run SET duration_ms = 8000000 WHERE job_name = 'works'")
    warning, other = place.json("check")["warnings"]
    assert (warning["schedule"], warning["code"]) == ("resting", "due_too_often")
    assert other["schedule"] == "elsewhere"  # which is every hour, too
    assert "taking 2 h 13 min together, but it is due every 1 h" in warning["message"]


def test_it_makes_no_database_and_no_other_file(place: Place) -> None:
    before = files()
    place.call("check")
    assert files() == before


def test_it_leaves_a_database_that_is_not_ours_as_it_is(place: Place) -> None:
    with closing(sqlite3.connect(DATABASE)) as connection:
        connection.execute("CREATE TABLE theirs (id INTEGER)")
    before = files()
    assert place.json("check")["warnings"] == []
    assert files() == before


@pytest.mark.parametrize("content", [b"", b"no database at all" * 100])
def test_a_file_that_is_no_database_does_not_matter(place: Place, content: bytes) -> None:
    DATABASE.write_bytes(content)
    assert place.json("check")["ok"]
    assert DATABASE.read_bytes() == content


def test_a_database_of_another_revision_does_not_matter(place: Place) -> None:
    place.lived(hours=1)
    place.sql("UPDATE scheduled_version SET version_num = '9999'")
    place.sql("UPDATE job_run SET duration_ms = 8000000")
    assert place.json("check")["warnings"] == []


def test_a_database_that_nothing_here_speaks_to_does_not_matter(place: Place) -> None:
    place.patch.setenv("DATABASE_URL", "nosuch+driver://host/app")
    assert place.json("check")["ok"]
