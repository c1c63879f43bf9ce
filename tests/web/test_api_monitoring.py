"""Whether it lives, whether it can do its work, and how much there is to do."""

from collections.abc import Callable

import pytest

from scheduled.access.identity import Role
from scheduled.store.schema import HEAD
from tests.conftest import World
from tests.web.api_support import Program
from tests.web.conftest import Visitor


@pytest.fixture
def stranger(shop: World, visit: Callable[..., Visitor]) -> Visitor:
    """Somebody who does not say who they are."""
    shop.start()
    visitor = visit()
    visitor.app.state.site.gate._authenticate = lambda _request: None
    return visitor


def test_it_lives(stranger: Visitor) -> None:
    assert stranger.get("/healthz").json() == {"status": "ok"}


def test_it_is_ready_while_a_daemon_is_alive(stranger: Visitor) -> None:
    assert stranger.get("/readyz").json() == {"status": "ready"}


def test_a_stranger_is_not_told_what_is_wrong(shop: World, stranger: Visitor) -> None:
    shop.crank.stop()
    answer = stranger.get("/readyz")
    assert (answer.status_code, answer.json()["detail"]) == (503, "not ready")


def test_who_may_see_it_is_told_what_is_wrong(shop: World, program: Program) -> None:
    shop.crank.stop()
    assert "no daemon is alive" in program.problem("/readyz", 503)


def set_version(world: World, version: str) -> None:
    with world.crank.database.writing() as connection:
        connection.exec_driver_sql(f"UPDATE scheduled_version SET version_num = '{version}'")


def test_it_is_not_ready_with_tables_of_another_version(shop: World, program: Program) -> None:
    set_version(shop, "other")
    try:
        assert "database" in program.get("/readyz", 503)["faults"]
    finally:
        set_version(shop, HEAD)


def test_it_tells_metrics_to_who_may_see_them(shop: World, come: Callable[..., Program]) -> None:
    shop.start()
    viewer = come(Role.VIEWER)
    viewer.send("GET", "/metrics")
    shop.crank.advance(hours=1)
    answer = viewer.send("GET", "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert 'scheduled_occurrences_total{reason="",schedule="it",status="COMPLETED"} 2.0' in answer.text


def test_it_tells_strangers_no_metrics(stranger: Visitor) -> None:
    assert stranger.get("/metrics").status_code == 401


@pytest.mark.parametrize(
    "path",
    ["/healthz", "/readyz", "/metrics", "/api/schedules", "/api/runs", "/admin/schedules", "/api/stream"],
)
def test_head_is_answered_as_get_is(program: Program, path: str) -> None:
    answer = program.send("HEAD", path)
    assert (answer.status_code, answer.content) == (200, b"")
