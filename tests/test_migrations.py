import logging
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Integer, MetaData, String, Table, inspect, make_url, text
from sqlmodel import Field, Session, SQLModel, select

from scheduled import access_models, models
from scheduled.errors import SchemaError
from scheduled.store import schema
from scheduled.store.database import Database
from scheduled.tables import metadata
from tests.patience import PATIENCE
from tests.servers import fresh_url

pytestmark = pytest.mark.contract

NOW = datetime(2026, 10, 25, 0, 59, 59, 999999, tzinfo=UTC)
TABLES = sorted(metadata.tables)
CHECKOUT = Path(__file__).parents[1]
ADDED = {"admin_user", "admin_session", "admin_token", "idempotency_key"}

FIRST, HEAD = "0001", schema.HEAD
NEXT, AFTER_NEXT = (f"{int(HEAD) + step:04}" for step in (1, 2))
NEXT_MIGRATION = """
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{head}"


def upgrade() -> None:
    op.add_column("job_schedule", sa.Column("colour", sa.String(8)))
    {then}


def downgrade() -> None:
    op.drop_column("job_schedule", "colour")
"""


class JobRun(SQLModel, table=True):
    """The application's own model, which has the name of one of ours."""

    __tablename__ = "job_run_app"
    id: int | None = Field(default=None, primary_key=True)


@pytest.fixture
def fresh(kind: str, tmp_path: Path) -> Iterator[Database]:
    with fresh_url(kind, tmp_path) as url, closing(Database(url, create=True)) as database:
        yield database


@pytest.fixture
def migrated(fresh: Database) -> Database:
    schema.upgrade(fresh)
    return fresh


@pytest.fixture
def filled(migrated: Database) -> Database:
    with Session(migrated.engine) as session:
        for row in one_row_of_each():
            session.add(row)
            session.flush()
        session.commit()
    return migrated


@pytest.fixture
def newer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The next version of the code, installed from a wheel: it has one migration more."""
    return next_migration(tmp_path, monkeypatch, then="pass")


def next_migration(folder: Path, monkeypatch: pytest.MonkeyPatch, then: str) -> Path:
    copy = folder / "100% newer" / "scheduled" / "migrations"
    shutil.copytree(CHECKOUT / "migrations", copy, ignore=shutil.ignore_patterns("__pycache__"))
    code = NEXT_MIGRATION.format(revision=NEXT, head=HEAD, then=then)
    (copy / "versions" / f"{NEXT}_add_colour.py").write_text(code)
    monkeypatch.setattr(schema, "PACKAGE", copy.parent)
    monkeypatch.setattr(schema, "HEAD", NEXT)
    return copy


def one_row_of_each() -> list[models.Table]:
    times: dict[str, Any] = {"created_at": NOW, "updated_at": NOW, "ledger_from": NOW}
    process: dict[str, Any] = {"hostname": "h", "boot_id": "b", "pid": 1, "pid_started_at": 1.5}
    beats: dict[str, Any] = {"started_at": NOW, "last_heartbeat_at": NOW, "poll_interval_ms": 60_000}
    due: dict[str, Any] = {"schedule_id": "s", "trigger": "CRON", "status": "RUNNING"}
    made: dict[str, Any] = {"created_at": NOW}
    secret: dict[str, Any] = {"password_hash": "$argon2id$", **made}
    return [
        models.JobSchedule(id="s", definition={"ä": "☃"}, definition_hash="h", enabled=True, **times),
        models.Occurrence(id=7, due_at=NOW, due_until=NOW, **due),
        models.JobRun(id=9, occurrence_id=7, job_name="j", queued_at=NOW, **due),
        models.JobOutput(job_run_id=9, output="ok"),
        models.ScheduleEvent(schedule_id="s", at=NOW, event="added", actor="me"),
        models.WorkerInstance(
            id="w", worker_type="schedule_daemon", version="1", status="RUNNING", **process, **beats
        ),
        models.WorkerGap(worker_id="w", from_at=NOW, to_at=NOW, cause="suspended"),
        access_models.AdminUser(id=3, name="ada", role="ADMIN", password_changed_at=NOW, **secret),
        access_models.AdminSession(user_id=3, token_hash="h", last_seen_at=NOW, expires_at=NOW, **made),
        access_models.AdminToken(user_id=3, name="ci", role="VIEWER", token_hash="h", hint="sch_a", **made),
        access_models.IdempotencyKey(key_hash="k", request_hash="r", occurrence_id=7, at=NOW),
    ]


def tables(database: Database) -> set[str]:
    return set(inspect(database.engine).get_table_names())


def shape(database: Database, name: str) -> dict[str, Any]:
    """Everything that the database itself says of a table."""
    inspector = inspect(database.engine)
    return {
        "columns": [{**found, "type": str(found["type"])} for found in inspector.get_columns(name)],
        "primary key": inspector.get_pk_constraint(name),
        "indexes": sorted(inspector.get_indexes(name), key=lambda found: found["name"] or ""),
        "uniques": inspector.get_unique_constraints(name),
        "foreign keys": inspector.get_foreign_keys(name),
        "checks": inspector.get_check_constraints(name),
    }


def count(database: Database, name: str) -> int:
    with database.reading() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one())


def execute(database: Database, sql: str) -> None:
    with database.writing() as connection:
        connection.execute(text(sql))


def python(code: str, database: Database) -> "subprocess.Popen[str]":
    command_line = [sys.executable, "-W", "error", "-c", code, database.url]
    return subprocess.Popen(command_line, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def outcome(process: "subprocess.Popen[str]") -> tuple[int, str]:
    output, _ = process.communicate(timeout=PATIENCE)
    return process.returncode, output


# ------------------------------------------------------------------ models and migrations


def test_it_builds_what_the_models_say(migrated: Database) -> None:
    with migrated.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": "scheduled_version"})
        assert compare_metadata(context, metadata) == []


@pytest.mark.parametrize("name", TABLES)
def test_it_builds_the_same_table_as_the_models_do(
    migrated: Database, kind: str, tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    with (
        fresh_url(kind, tmp_path_factory.mktemp("models")) as url,
        closing(Database(url, create=True)) as other,
    ):
        metadata.create_all(other.engine)
        assert shape(migrated, name) == shape(other, name)


def test_it_builds_no_other_table(migrated: Database) -> None:
    assert tables(migrated) == {*TABLES, "scheduled_version"}


def test_it_expects_alembics_head() -> None:
    assert ScriptDirectory(str(CHECKOUT / "migrations")).get_heads() == [schema.HEAD]


def test_it_writes_the_next_migration(migrated: Database, newer: Path) -> None:
    schema.upgrade(migrated)
    execute(migrated, "CREATE TABLE of_the_application (id INTEGER)")
    config = Config()
    config.set_main_option("script_location", str(newer).replace("%", "%%"))
    with migrated.writing() as connection:
        config.attributes["connection"] = connection
        command.revision(config, "Drop the colour again", autogenerate=True, rev_id=AFTER_NEXT)
    written = (newer / "versions" / f"{AFTER_NEXT}_drop_the_colour_again.py").read_text()
    assert "batch_op.drop_column('colour')" in written
    assert "of_the_application" not in written


# ------------------------------------------------------------------ up and down


def test_it_goes_down_and_up_with_rows_in_the_tables(filled: Database) -> None:
    schema.downgrade(filled, "base")
    assert tables(filled) == {"scheduled_version"}
    assert schema.current(filled) is None
    schema.upgrade(filled)
    assert schema.is_current(filled)


def test_it_keeps_the_rows_when_it_upgrades_and_goes_back(filled: Database, newer: Path) -> None:
    schema.upgrade(filled)
    schema.downgrade(filled, HEAD)
    with Session(filled.engine) as session:
        kept = session.exec(select(models.JobSchedule)).one()
    assert (kept.definition, kept.created_at) == ({"ä": "☃"}, NOW)


def test_it_keeps_the_rows_on_the_way_down_and_up(filled: Database) -> None:
    assert {name: count(filled, name) for name in TABLES} == dict.fromkeys(TABLES, 1)
    schema.downgrade(filled, FIRST)
    left = tables(filled) & set(TABLES)
    assert left == set(TABLES) - ADDED
    schema.upgrade(filled)
    assert {name: count(filled, name) for name in left} == dict.fromkeys(left, 1)


def test_it_stays_put_when_it_is_up_to_date(filled: Database) -> None:
    schema.upgrade(filled)
    with Session(filled.engine) as session:
        assert session.get_one(models.JobRun, 9).status == "RUNNING"


def test_it_refuses_a_revision_that_nobody_knows(migrated: Database) -> None:
    with pytest.raises(SchemaError, match=r"cannot be migrated: .*'0815'"):
        schema.downgrade(migrated, "0815")


def test_it_says_nothing(fresh: Database, capfd: pytest.CaptureFixture[str]) -> None:
    schema.upgrade(fresh)
    assert capfd.readouterr() == ("", "")


def test_it_leaves_the_logging_alone(fresh: Database) -> None:
    ours, root = logging.getLogger("scheduled.somewhere"), logging.getLogger()
    before = (root.level, list(root.handlers))
    schema.upgrade(fresh)
    assert (root.level, root.handlers) == before
    assert not ours.disabled


# ------------------------------------------------------------------ what the daemon starts on


def test_it_finds_no_revision_on_a_fresh_database(fresh: Database) -> None:
    assert schema.current(fresh) is None
    assert not schema.is_current(fresh)


@pytest.mark.parametrize("auto_migrate", [True, False])
def test_it_prepares_a_fresh_database(fresh: Database, auto_migrate: bool) -> None:
    schema.prepare(fresh, auto_migrate)
    assert schema.is_current(fresh)


def test_it_prepares_a_database_in_memory() -> None:
    database = Database("sqlite://")
    schema.prepare(database, auto_migrate=False)
    assert schema.is_current(database)
    database.close()


def test_it_prepares_an_outdated_database_when_it_may(filled: Database, newer: Path) -> None:
    schema.prepare(filled, auto_migrate=True)
    assert schema.current(filled) == NEXT


def test_it_refuses_an_outdated_database_when_it_may_not(filled: Database, newer: Path) -> None:
    with pytest.raises(SchemaError, match=rf"has schema {HEAD}, .* expects {NEXT}: `scheduled db upgrade`"):
        schema.prepare(filled, auto_migrate=False)
    assert schema.current(filled) == HEAD


def test_it_requires_tables(fresh: Database) -> None:
    with pytest.raises(SchemaError, match=r"none of scheduled's tables yet: `scheduled db upgrade`"):
        schema.require_current(fresh)


def test_it_requires_the_head(migrated: Database) -> None:
    schema.require_current(migrated)


@pytest.mark.parametrize("auto_migrate", [True, False])
def test_it_refuses_a_database_from_the_future(migrated: Database, auto_migrate: bool) -> None:
    execute(migrated, "UPDATE scheduled_version SET version_num = '0999'")
    with pytest.raises(SchemaError, match=rf"schema 0999, .* \({HEAD}\) does not know: install the newer"):
        schema.prepare(migrated, auto_migrate)


def test_it_imports_no_alembic_when_there_is_nothing_to_do(migrated: Database) -> None:
    code = """if True:
        import sys
        from scheduled.store.database import Database
        from scheduled.store.schema import prepare
        database = Database(sys.argv[1])
        prepare(database, auto_migrate=True)
        database.close()
        sys.exit("alembic" in sys.modules)
    """
    assert outcome(python(code, migrated)) == (0, "")


# ------------------------------------------------------------------ two at once, and none to the end


def test_it_lets_two_processes_start_on_a_fresh_database(fresh: Database) -> None:
    code = """if True:
        import sys
        from scheduled.store.database import Database
        from scheduled.store.schema import prepare
        database = Database(sys.argv[1], create=True)
        prepare(database, auto_migrate=False)
        database.close()
    """
    both = [python(code, fresh), python(code, fresh)]
    assert [outcome(process) for process in both] == [(0, ""), (0, "")]
    assert schema.is_current(fresh)


def test_it_waits_for_the_migration_that_is_under_way(fresh: Database) -> None:
    second = threading.Thread(target=schema.prepare, args=(fresh, True))
    with schema._migrating(fresh) as (_connection, config):
        second.start()
        second.join(timeout=0.2)
        assert second.is_alive()
        command.upgrade(config, "head")
    second.join(PATIENCE)
    assert schema.is_current(fresh)


IMPATIENT = {"postgresql": {"options": "-c lock_timeout=100ms"}, "mysql": {"read_timeout": "1"}}


@pytest.mark.only_on("postgresql", "mysql", why="it has one lock for everything")
def test_it_waits_longer_for_another_migration_than_for_any_lock(fresh: Database, kind: str) -> None:
    url = make_url(fresh.url).update_query_dict(IMPATIENT[kind]).render_as_string(hide_password=False)
    with closing(Database(url)) as impatient:
        second = threading.Thread(target=schema.prepare, args=(impatient, True))
        with schema._migrating(fresh) as (_connection, config):
            second.start()
            second.join(timeout=1.5)
            command.upgrade(config, "head")
        second.join(PATIENCE)
    assert schema.is_current(fresh)


all_or_nothing = pytest.mark.only_on(
    "sqlite", "postgresql", why="MySQL commits each change of a table by itself"
)


@all_or_nothing
def test_it_leaves_the_database_as_it_was_when_a_migration_fails(
    filled: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    next_migration(tmp_path, monkeypatch, then="op.execute('NONSENSE')")
    before = shape(filled, "job_schedule")
    with pytest.raises(Exception, match="NONSENSE"):
        schema.upgrade(filled)
    assert shape(filled, "job_schedule") == before
    assert schema.current(filled) == HEAD


@all_or_nothing
def test_it_leaves_the_database_as_it_was_when_it_is_killed(
    filled: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = next_migration(tmp_path, monkeypatch, then="import os; os._exit(9)")
    before = shape(filled, "job_schedule")
    code = f"""if True:
        import pathlib, sys
        from scheduled.store import database, schema
        schema.PACKAGE = pathlib.Path({str(copy.parent)!r})
        schema.upgrade(database.Database(sys.argv[1]))
    """
    assert outcome(python(code, filled)) == (9, "")
    assert shape(filled, "job_schedule") == before
    assert schema.current(filled) == HEAD


# ------------------------------------------------------------------ beside an application


@pytest.fixture
def application(fresh: Database) -> Database:
    """An application's database: its alembic's version table, and its own tables with a row."""
    versions = MetaData()
    table = Table("alembic_version", versions, Column("version_num", String(32), primary_key=True))
    Table("invoice", versions, Column("id", Integer, primary_key=True))
    versions.create_all(fresh.engine)
    SQLModel.metadata.tables["job_run_app"].create(fresh.engine)
    with Session(fresh.engine) as session:
        session.add(JobRun(id=1))
        session.execute(table.insert().values(version_num="cafe0815"))
        session.commit()
    return fresh


def test_it_lives_beside_an_application(application: Database) -> None:
    theirs = tables(application)
    schema.prepare(application, auto_migrate=True)
    assert tables(application) == {*theirs, *TABLES, "scheduled_version"}


def test_it_drops_nothing_of_the_applications(application: Database) -> None:
    theirs = tables(application)
    schema.upgrade(application)
    schema.downgrade(application, "base")
    assert tables(application) == {*theirs, "scheduled_version"}
    with Session(application.engine) as session:
        assert session.exec(select(JobRun)).one().id == 1
        assert session.scalar(text("SELECT version_num FROM alembic_version")) == "cafe0815"


def test_it_shares_no_metadata_with_the_applications_models() -> None:
    assert not metadata.tables.keys() & SQLModel.metadata.tables.keys()
    assert models.JobRun.__table__.name == "job_run"


def test_it_refuses_an_application_that_has_a_table_of_that_name(application: Database) -> None:
    execute(application, "CREATE TABLE occurrence (id INTEGER)")
    with pytest.raises(SchemaError, match=r"would create, but did not: occurrence: rename"):
        schema.prepare(application, auto_migrate=True)
    assert "job_schedule" not in tables(application)
