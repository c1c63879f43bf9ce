"""Tells before the disk is full."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Unpack

from scheduled.builtin.making import JobOptions, make, not_between, not_whole
from scheduled.context import JobContext
from scheduled.definitions import Job
from scheduled.errors import ScheduledError


class DiskSpaceError(ScheduledError):
    """A disk holds less free space than it must."""


def check_disk_space(
    *,
    paths: Sequence[str | Path] | None = None,
    min_free_percent: float = 5.0,
    min_free_bytes: int = 100_000_000,
    **options: Unpack[JobOptions],
) -> Job:
    """A job that fails if the disk of one of the `paths` has less free space than either limit.

    The paths are by default the working directory and the folder of a SQLite database. Free is what
    processes without privileges may still use, in per cent as `df` reckons it. Returns the figures by path;
    fails naming each path with too little, or that does not exist.
    """
    given = [paths] if isinstance(paths, str | Path) else paths

    def run(ctx: JobContext) -> dict[str, Any]:
        figures, wrong = {}, []
        for path in map(Path, given if given is not None else dict.fromkeys(_our_folders())):
            try:
                figures[str(path)] = found = _figures(path)
            except OSError as error:
                wrong.append(f"{path} cannot be looked at: {error.strerror}")
                continue
            ctx.log.info("%s has %.1f %% free, %d bytes", path, found["free_percent"], found["free_bytes"])
            if found["free_percent"] < min_free_percent or found["free_bytes"] < min_free_bytes:
                wrong.append(f"{path} has {found['free_percent']:g} % free, {found['free_bytes']:,} bytes")
        if wrong:
            limits = f"at least {min_free_percent:g} % and {min_free_bytes:,} bytes are wanted"
            raise DiskSpaceError(f"{'; '.join(wrong)} ({limits})")
        return figures

    wrong = not_between("min_free_percent", min_free_percent, 0, 100)
    wrong += not_whole("min_free_bytes", min_free_bytes, 0)
    own = ("paths", "min_free_percent", "min_free_bytes")
    about = "Check that the disks have free space"
    return make(run, "check-disk-space", about, options, own=own, wrong=wrong)


def _figures(path: Path) -> dict[str, Any]:
    usage = shutil.disk_usage(path)
    usable = usage.used + usage.free
    percent = round(100 * usage.free / usable, 2) if usable else 100.0
    return {"free_percent": percent, "free_bytes": usage.free, "total_bytes": usage.total}


def _our_folders() -> Iterator[Path]:
    from scheduled.settings import load_settings
    from scheduled.store.database import Database

    yield Path.cwd()
    url = load_settings().database_url
    file = Database(url, create=True).file if url.startswith("sqlite") else None
    if file is not None:
        yield file.resolve().parent
