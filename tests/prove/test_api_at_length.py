"""The API, asked for minutes whatever its document allows and what it does not."""

from pathlib import Path

import pytest

from tests.conftest import World
from tests.web.api_fuzz import ask_everything, served

pytestmark = [pytest.mark.prove, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


def test_the_document_is_true(tmp_path: Path) -> None:
    shop = World(f"sqlite:///{tmp_path / 'shop.db'}")
    shop.job("work")
    crank = shop.start("0 * * * *")
    try:
        crank.advance(hours=3)
        with served(shop) as (app, token):
            assert len(ask_everything(app, token, examples=30, derandomize=False)) == 21
    finally:
        crank.close()
