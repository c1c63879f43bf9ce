"""Metrics for Prometheus. Counters begin with the first scrape of this process; gauges are as it stands."""

import platform
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

from scheduled.clock import Clock
from scheduled.errors import DatabaseError, ScheduledError
from scheduled.gauges import gauges
from scheduled.store.database import Database
from scheduled.store.ended import OCCURRENCES, RUNS, Ended
from scheduled.store.held import Held
from scheduled.version import VERSION
from scheduled.words import Trigger

CONTENT_TYPE = CONTENT_TYPE_LATEST
DURATIONS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)
LATENESS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)
"""Seconds."""


class Metrics:
    """What a database tells of itself, gathered afresh at each scrape; from any thread."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or Clock()
        self._guard = threading.Lock()
        self._occurrences, self._runs = Ended(OCCURRENCES), Ended(RUNS)
        self._registry = registry = CollectorRegistry()
        self._outcomes = Counter(
            "scheduled_occurrences",
            "Due instants and requests that ended, by outcome.",
            ("schedule", "status", "reason"),
            registry=registry,
        )
        self._durations = Histogram(
            "scheduled_job_duration_seconds",
            "How long attempts to run jobs took.",
            ("job", "status"),
            buckets=DURATIONS,
            registry=registry,
        )
        self._lateness = Histogram(
            "scheduled_start_lateness_seconds",
            "How long after their due instants occurrences started.",
            ("schedule",),
            buckets=LATENESS,
            registry=registry,
        )
        self._due = Gauge(
            "scheduled_due_schedules", "Schedules that are due and not taken up.", registry=registry
        )
        self._waiting = Gauge(
            "scheduled_requests_waiting", "Occurrences that wait to run.", registry=registry
        )
        self._heartbeats = Gauge(
            "scheduled_daemon_heartbeat_age_seconds",
            "Seconds since each daemon that is alive last said so.",
            ("worker",),
            registry=registry,
        )
        self._daemons = Gauge("scheduled_daemons", "Daemons that are alive.", registry=registry)
        build = Gauge("scheduled_build_info", "1.", ("version", "python"), registry=registry)
        build.labels(VERSION, platform.python_version()).set(1)

    def scrape(self) -> bytes:
        """The text for Prometheus.

        Raises:
            DatabaseError: the database does not answer.
        """
        with self._guard:
            with self._database.hold() as held:
                self._count(held)
                self._look(held)
            return generate_latest(self._registry)

    def _count(self, held: Held) -> None:
        for one in self._occurrences.look(held):
            self._outcomes.labels(one.schedule_id, one.status, one.reason or "").inc(one.due_count)
            if one.trigger == Trigger.CRON and one.started_at is not None:
                late = (one.started_at - one.due_at).total_seconds()
                self._lateness.labels(one.schedule_id).observe(max(0.0, late))
        for run in self._runs.look(held):
            if run.duration_ms is not None:
                self._durations.labels(run.job_name, run.status).observe(run.duration_ms / 1000)

    def _look(self, held: Held) -> None:
        now = self._clock.now()
        found = gauges(held, now)
        self._due.set(found.due)
        self._waiting.set(found.waiting)
        self._daemons.set(len(found.daemons))
        self._heartbeats.clear()
        for daemon in found.daemons:
            age = (now - daemon.last_heartbeat_at).total_seconds()
            self._heartbeats.labels(f"{daemon.hostname}/{daemon.pid}").set(max(0.0, age))


@contextmanager
def served(metrics: Metrics, host: str, port: int) -> Iterator[int]:
    """Serve them at /metrics, on a thread of its own, within the block; the port, also if it was 0.

    Raises:
        ScheduledError: the address cannot be served.
    """

    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            if self.path.partition("?")[0] != "/metrics":
                self.send_error(404)
                return
            try:
                body = metrics.scrape()
            except DatabaseError as error:
                self.send_error(503, explain=str(error))
                return
            self.send_response(200)
            self.send_header("Content-Type", CONTENT_TYPE)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            """The log is for what the daemon does."""

    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        daemon_threads = True

    try:
        server = Server((host, port), Handler)
    except OSError as error:
        told = error.strerror or error
        raise ScheduledError(f"SCHEDULE_METRICS_PORT: {host}:{port} cannot be served: {told}") from None
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
