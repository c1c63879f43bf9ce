"""The API: JSON for programs. Its shapes are those of the commands' `--json`."""

from fastapi import APIRouter

from scheduled.web.api import monitoring, records, runs, schedules, stream


def routers() -> list[APIRouter]:
    """Every router of the API."""
    return [module.router for module in (schedules, runs, records, stream, monitoring)]
