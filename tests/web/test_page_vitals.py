"""What every page says of the daemons."""

import pytest

from scheduled.store.schedules import add_event
from tests.conftest import World
from tests.web.conftest import Visitor, words_of

PAGES = ("schedules", "timeline", "runs", "workers", "events")


@pytest.mark.parametrize("name", PAGES)
def test_it_is_calm_while_a_daemon_lives(ann: Visitor, name: str) -> None:
    page = ann.reads(f"/admin/{name}")
    assert "daemon alive" in page
    assert "No daemon is alive" not in page


@pytest.mark.parametrize("name", PAGES)
def test_it_says_what_to_do_when_no_daemon_lives(shop: World, ann: Visitor, name: str) -> None:
    shop.crank.stop()
    page = ann.reads(f"/admin/{name}")
    assert "✕ no daemon" in page
    assert "No daemon is alive: the last one" in page
    assert "Start one: scheduled run" in page


def test_it_says_so_by_itself_for_the_script(shop: World, ann: Visitor) -> None:
    assert 'data-ailing=""' in ann.html("/admin/pulse")
    shop.crank.stop()
    shop.crank.clock.advance(seconds=3)
    assert 'data-ailing="daemon"' in ann.html("/admin/pulse")


def test_it_tells_how_old_the_heartbeat_is(shop: World, ann: Visitor) -> None:
    shop.crank.clock.advance(seconds=45)
    assert "daemon alive, last heartbeat 45 s" in ann.reads("/admin/pulse")


def test_it_warns_of_an_old_heartbeat(shop: World, ann: Visitor) -> None:
    shop.crank.clock.advance(minutes=3)
    assert "Warning: the last heartbeat" in ann.reads("/admin/pulse")


def test_it_lists_the_faults_of_definitions(shop: World, ann: Visitor) -> None:
    said = (
        "Error: the definitions have faults:\n  - schedules.py:166: no <b>job\n  - schedules.py:170: no group"
    )
    shop.crank.clock.advance(seconds=9)
    add_event(
        *(shop.crank.parts.engine.held, "", "reload_failed", shop.crank.clock.now()),
        *("daemon", None, {"faults": said}),
    )
    page = ann.html("/admin/pulse")
    assert "<li>schedules.py:166: no &lt;b&gt;job</li><li>schedules.py:170: no group</li>" in page
    assert "and the old ones stay. Mend them, and send SIGHUP again:" in words_of(page)
    assert "Error:" not in page


def test_it_shows_a_clock_that_is_off(shop: World, ann: Visitor) -> None:
    with shop.crank.database.writing() as connection:
        connection.exec_driver_sql("UPDATE worker_instance SET clock_skew_ms = 9000")
    assert "Clocks off the database's" in ann.reads("/admin/pulse")
