"""Whatever happens to schedules, clocks and daemons, in whatever order: the ledger keeps its law."""

from hypothesis import HealthCheck, settings

from tests.ledger_machine import LedgerMachine


class TestLedger(LedgerMachine.TestCase):  # type: ignore[misc, valid-type]
    settings = settings(
        max_examples=25,
        stateful_step_count=20,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
