"""The files that `scheduled init` writes."""

SCHEDULES = '''\
"""The jobs of this application, and when they run. `scheduled check` tells whether this file is right."""

import shutil

from scheduled import JobContext, Schedule, SkipJob, command, job


@job(group="quick")
def measure_disk() -> dict[str, float]:
    """See how much room is left here."""
    usage = shutil.disk_usage(".")
    return {"free_gb": round(usage.free / 1e9, 1), "free_percent": round(100 * usage.free / usage.total, 1)}


# It runs after measure-disk, and gets its result. Of what fails, three attempts are made.
@job(group="quick", depends_on=[measure_disk], timeout=10, retries=2)
def report_disk(ctx: JobContext) -> str:
    """Say how much room is left here."""
    measured = ctx.results["measure-disk"]
    if measured is None:
        raise SkipJob("nothing was measured")  # SKIPPED, with that reason: no failure
    print(f"{measured['free_gb']} GB are free")  # the output of each run is kept: `scheduled run-log`
    return "plenty" if measured["free_percent"] > 10 else "not much"


# A job can be a command, too: a string for the shell, or a list of arguments.
greet = command("greet", "echo hello from a command", group="maintenance", timeout=60)

schedules = [
    # Runs at once under `scheduled run`, in development only (see .env): delete it when you have seen enough.
    Schedule(
        id="try-me",
        name="Try me",
        cron="every 15 seconds",
        mode="GROUP",
        group="quick",
        environments=["development"],
        enabled_by_default=True,
    ),
    # New schedules are off until you say `scheduled enable nightly`.
    # A run that was missed (no daemon was alive) is recorded and not caught up, unless missed="run_latest".
    Schedule(id="nightly", name="Nightly", description="All jobs", cron="0 2 * * *", timezone="UTC"),
]
'''

PROCFILE = "scheduler: scheduled run\n"

DOTENV = """\
# Settings for this folder; the environment wins. `scheduled settings` shows them all.
SCHEDULE_ENV=development
# DATABASE_URL=sqlite:///scheduled.db
"""

FILES = {"schedules.py": SCHEDULES, "Procfile": PROCFILE, ".env": DOTENV}
