"""The pages: HTML for people, which reads and works without scripts, and lives with them."""

from fastapi import APIRouter

from scheduled.web.pages.access import router as access
from scheduled.web.pages.account import router as account
from scheduled.web.pages.deeds import router as deeds
from scheduled.web.pages.frame import router as frame
from scheduled.web.pages.occurrences import router as occurrences
from scheduled.web.pages.records import router as records
from scheduled.web.pages.run import router as run
from scheduled.web.pages.runs import router as runs
from scheduled.web.pages.schedule import router as schedule
from scheduled.web.pages.schedules import router as schedules
from scheduled.web.pages.timeline import router as timeline
from scheduled.web.pages.users import router as users


def routers() -> list[APIRouter]:
    """Every router of the pages."""
    return [
        schedules,
        schedule,
        deeds,
        occurrences,
        runs,
        run,
        timeline,
        records,
        access,
        account,
        users,
        frame,
    ]
