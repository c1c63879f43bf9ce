"""The state machine of the ledger once more: for longer, and by other ways.

The ways are the same each time, so that the proofs mean the same on every machine; who looks for new
holes sets LEDGER_MACHINE_EXAMPLES, and goes by chance.
"""

import os

import pytest
from hypothesis import HealthCheck, settings

from tests.ledger_machine import LedgerMachine

EXAMPLES = os.environ.get("LEDGER_MACHINE_EXAMPLES")

pytestmark = pytest.mark.prove


class TestLedgerAtLength(LedgerMachine.TestCase):  # type: ignore[misc, valid-type]
    settings = settings(
        max_examples=int(EXAMPLES or 60),
        stateful_step_count=35,
        deadline=None,
        derandomize=EXAMPLES is None,
        suppress_health_check=list(HealthCheck),
    )
