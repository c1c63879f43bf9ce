"""The other side of one job a schedule: procrastinate's worker, whose queue is in PostgreSQL, too.

The jobs are deferred before the time is taken; then a worker with a concurrency of 1 does them all, and ends
because it is told not to wait for more.
"""

import asyncio
import json
import sys
import time

import procrastinate
from sqlalchemy import make_url


def application(url: str) -> procrastinate.App:
    conninfo = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=conninfo))


async def no_op() -> None:
    """The job."""


async def main(url: str, jobs: int) -> None:
    """Do so many jobs; if 0, only create the tables."""
    app = application(url)
    task = app.task(no_op, name="no_op")
    async with app.open_async():
        if not jobs:
            await app.schema_manager.apply_schema_async()
        else:
            await task.batch_defer_async(*({} for _ in range(jobs)))
        began = time.perf_counter()
        if jobs:
            await app.run_worker_async(concurrency=1, wait=False, install_signal_handlers=False)
        seconds = time.perf_counter() - began
        done = await app.job_manager.list_jobs_async(status="succeeded")
    print(json.dumps({"seconds": seconds, "succeeded": len(list(done))}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
