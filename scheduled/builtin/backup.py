"""Copies a SQLite database while it is in use, and trusts no copy that it has not opened again."""

import fcntl
import os
import re
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from glob import escape
from pathlib import Path
from typing import Any, Unpack

from scheduled.builtin.files import sync, sync_folder
from scheduled.builtin.making import JobOptions, make, not_whole
from scheduled.clock import Clock
from scheduled.context import JobContext, SkipJob
from scheduled.definitions import Job
from scheduled.errors import ScheduledError

PAGES = 1024
"""How many pages are copied at a time: between two of them a timeout or a cancellation is noticed."""
CHECK_STEPS = 100_000
"""How many of SQLite's operations the check does at a time, for the same reason."""
BUSY_SECONDS = 10.0
COPYING = ".copying"
INSTEAD = {
    "postgresql": "command('backup', 'pg_dump --format=custom --file=backups/app.dump app', group=…)",
    "mysql": "command('backup', 'mariadb-dump --single-transaction --result-file=backups/app.sql app', …)",
}
INSTEAD["mariadb"] = INSTEAD["mysql"]


class BackupError(ScheduledError):
    """The copy of the database is not sound. Nothing was kept of it, and no older backup was removed."""


def backup_database(*, keep: int = 7, folder: str | Path = "backups", **options: Unpack[JobOptions]) -> Job:
    """A job that backs up DATABASE_URL's SQLite file into `folder`, checked, and keeps the newest `keep`.

    The copy is that of one instant, and writers do not wait for it. It is named after the instant at which
    it was begun, and is one file that any SQLite opens. Returns its path and size, and how many backups
    were kept and removed. With a database that is no SQLite file it skips, naming what to use instead.
    """

    def run(ctx: JobContext) -> dict[str, Any]:
        source, target = database_file(), Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        with _alone_in(target) as alone:
            for leftover in target.glob(f".*{COPYING}*") if alone else ():
                leftover.unlink()  # whoever wrote it was killed
            made = _back_up(source, target, ctx)
            removed = _remove_older(source, made, keep, ctx)
            kept = len(backups_of(source, target))
        return {"file": str(made), "bytes": made.stat().st_size, "kept": kept, "removed": removed}

    return make(
        run,
        "backup-database",
        "Back up the SQLite database, check the copy, keep the newest ones",
        options,
        own=("keep", "folder"),
        wrong=not_whole("keep", keep, 1),
    )


def database_file() -> Path:
    """The file of the database that DATABASE_URL names.

    Raises:
        SkipJob: it is no SQLite file; told with what to use instead.
        DatabaseError: the file does not exist.
    """
    from sqlalchemy import make_url

    from scheduled.settings import load_settings
    from scheduled.store.database import Database

    url = load_settings().database_url
    kind = make_url(url).get_backend_name()
    if kind != "sqlite":
        instead = INSTEAD.get(kind, "its own tool, as a command(…)")
        raise SkipJob(f"only SQLite is backed up here, and the database is {kind}: use {instead}")
    file = Database(url).file
    if file is None:
        raise SkipJob("the database is in memory: there is no file to back up")
    return file


def backups_of(source: Path, folder: Path) -> list[Path]:
    """The backups of that database in the folder, oldest first."""
    named = re.compile(re.escape(source.stem) + r"-\d{8}T\d{6}\.\d{6}Z\.db")
    return sorted(path for path in folder.iterdir() if named.fullmatch(path.name))


def _back_up(source: Path, folder: Path, ctx: JobContext) -> Path:
    """1. Copy into a temporary file. 2. Have the disk hold it. 3. Check it. 4. Give it its name."""
    name = f"{source.stem}-{_stamp(Clock().now())}.db"
    temporary = folder / f".{name}{COPYING}"
    try:
        # As readable as the database itself, and until it is whole by nobody else.
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        _copy(source, temporary, ctx)
        temporary.chmod(stat.S_IMODE(source.stat().st_mode))
        sync(temporary)
        _check(temporary)
        temporary.rename(folder / name)
    finally:
        for leftover in folder.glob(f"{escape(temporary.name)}*"):
            leftover.unlink()
    sync_folder(folder)
    return folder / name


def _stamp(now: datetime) -> str:
    return f"{now:%Y%m%dT%H%M%S.%fZ}"


def _copy(source: Path, temporary: Path, ctx: JobContext) -> None:
    with closing(_open(source, "rw")) as original, closing(_open(temporary, "rw")) as copy:
        # With a read transaction open the copy is of this instant. Without one it would begin
        # again whenever somebody writes; all at once, it could not be interrupted.
        original.execute("BEGIN")
        original.execute("SELECT count(*) FROM sqlite_master").fetchone()
        copy.execute("PRAGMA synchronous=OFF")
        original.backup(
            copy, pages=PAGES, progress=lambda _, left, total: ctx.progress(total - left, total), sleep=0
        )
        copy.execute("PRAGMA journal_mode=DELETE").fetchone()  # one file, also on a read-only medium


def _check(temporary: Path) -> None:
    with closing(_open(temporary, "ro")) as copy:
        copy.set_progress_handler(lambda: 0, CHECK_STEPS)
        try:
            found = [str(row[0]) for row in copy.execute("PRAGMA integrity_check(10)")]
        except sqlite3.DatabaseError as error:
            found = [str(error)]
    if found != ["ok"]:
        raise BackupError(f"the copy failed its integrity check, is the database sound? {'; '.join(found)}")


def _remove_older(source: Path, made: Path, keep: int, ctx: JobContext) -> int:
    """Never the one just made, whatever the clock did since the others."""
    others = [path for path in backups_of(source, made.parent) if path != made]
    surplus = others[: max(0, len(others) - (keep - 1))]
    for path in surplus:
        path.unlink()
        ctx.log.info("removed %s", path)
    return len(surplus)


def _open(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.resolve().as_uri()}?mode={mode}", uri=True, isolation_level=None, timeout=BUSY_SECONDS
    )


@contextmanager
def _alone_in(folder: Path) -> Iterator[bool]:
    """Wait for every other backup into the folder; False where the file system has no such locks."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            alone = True
        except OSError:
            alone = False
        yield alone
    finally:
        os.close(descriptor)
