"""The API, asked for minutes whatever its document allows and what it does not.

The questions are the same each time, so that the proofs mean the same on every machine; who looks for new
holes sets API_EXAMPLES, and asks by chance.
"""

import os
from pathlib import Path

import pytest

from tests.conftest import World
from tests.web.api_fuzz import ask_everything, served

EXAMPLES = os.environ.get("API_EXAMPLES")

pytestmark = [pytest.mark.prove, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


def test_the_document_is_true(tmp_path: Path) -> None:
    shop = World(f"sqlite:///{tmp_path / 'shop.db'}")
    shop.job("work")
    crank = shop.start("0 * * * *")
    try:
        crank.advance(hours=3)
        with served(shop) as (app, token):
            asked = ask_everything(app, token, examples=int(EXAMPLES or 15), derandomize=EXAMPLES is None)
            assert len(asked) == 21
    finally:
        crank.close()
