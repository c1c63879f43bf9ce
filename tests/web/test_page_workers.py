"""The processes: how each is, what it does, and what to do when none is alive."""

from tests.conftest import World
from tests.web.conftest import Come, Visitor

PAGE = "/admin/workers"


def test_it_tells_how_each_is(ann: Visitor) -> None:
    page = ann.reads(PAGE)
    assert "daemon ✓ It is well, and waits." in page
    assert "every 1 min, and when something is due" in page


def test_it_tells_what_each_is_doing(shop: World, visit: Come) -> None:
    seen: list[str] = []

    def look() -> None:
        lifeline = shop.crank.parts.lifeline
        lifeline.beat(shop.crank.parts.engine.held, shop.crank.clock.now())
        seen.append(visit().reads(PAGE))

    shop.job("reading", look)
    shop.start()
    shop.crank.run_due()
    assert "It is well, and at work." in seen[0]
    assert "Doing it since now, now reading" in seen[0]


def test_it_says_what_to_do_when_none_is_alive(shop: World, ann: Visitor) -> None:
    shop.crank.stop()
    page = ann.reads(PAGE)
    assert "No daemon is alive: nothing runs" in page
    assert "scheduled run" in page
    assert "stopped in good order" in page


def test_it_tells_of_one_that_fell_silent(shop: World, visit: Come) -> None:
    shop.start()
    shop.another(host="far-away")
    shop.crank.clock.advance(minutes=10)
    assert "It does not answer: it has been silent for 10 min" in visit().reads(PAGE)


def test_it_tells_of_an_old_heartbeat_and_a_clock_that_is_off(shop: World, ann: Visitor) -> None:
    with shop.crank.database.writing() as connection:
        connection.exec_driver_sql("UPDATE worker_instance SET clock_skew_ms = -9000")
    assert "Its clock is 9.0 s behind the database's" in ann.reads(PAGE)
    shop.crank.clock.advance(minutes=3)
    assert "Its last heartbeat is 3 min old" in ann.reads(PAGE)


def test_it_shows_those_that_are_gone_page_by_page(shop: World, ann: Visitor) -> None:
    for _ in range(22):
        shop.crank.down(minutes=1)
    first = ann.html(PAGE)
    assert first.count("stopped in good order") == 20
    older = first.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert ann.html(older).count("stopped in good order") == 2


def test_it_says_that_an_address_is_wrong(ann: Visitor) -> None:
    assert ann.get(PAGE, before="yesterday~x").status_code == 400
