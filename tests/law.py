"""The law of the ledger, for tests: everything that was due is in exactly one row, by our own audit."""

from scheduled.testing import ManualDaemon
from scheduled.verifying import verify


def assert_lawful(daemon: ManualDaemon) -> None:
    """The audit finds nothing missing, nothing twice, and nothing that was not due."""
    verdict = verify(daemon.database, clock=daemon.clock)
    assert verdict.ok, verdict.as_json()
