"""One schedule: what it is, what comes, what was, who changed it and what it takes."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from scheduled.access.identity import Role
from scheduled.web.pages.schedule import SHOWN
from tests.conftest import World
from tests.web.conftest import Visitor, words_of

IT = "/admin/schedules/it"


def test_it_says_what_it_is(shop: World, visit: Callable[..., Visitor]) -> None:
    shop.job("a", group="night")
    shop.start(
        mode="GROUP", group="night", description="All of the night", missed="run_all", catch_up_limit=7,
        overlap="run_latest", start_deadline=90, missed_grace=5, rerun_interrupted=True,
        params={"shop": "riga", "password": "hunter2"},
    )  # fmt: skip
    page = visit().reads(IT)
    for told in (
        "All of the night",
        "Every hour 0 * * * * in UTC",
        "the group night: 1 job",
        "If missed all run, at most 7",
        "If it still runs the newest runs once",
        "no daemon was alive for more than 5 s",
        "skipped when it could not start within 1 min 30 s",
        "If interrupted it runs once more",
        '"shop": "riga"',
    ):
        assert told in page
    assert "hunter2" not in page


def test_it_says_who_switched_it_and_why(ann: Visitor, shop: World) -> None:
    shop.crank.advance(hours=2)
    shop.crank.disable("it", reason="the shop is closed")
    shop.crank.clock.advance(hours=3)
    page = ann.reads(IT)
    assert "Off. Switched off by test 3 hours ago: “the shop is closed”" in page
    assert "It is off: scheduled enable it switches it on" in page
    assert "It is off: this is when it would be due" in page
    assert "3 hours ago disabled by test: “the shop is closed”" in page


def test_it_says_that_nobody_has_switched_it_on_yet(shop: World, visit: Callable[..., Visitor]) -> None:
    shop.start(enabled_by_default=False)
    assert "Off. Nobody has switched it on yet" in visit().reads(IT)


def test_it_says_when_it_is_gone_from_the_code(ann: Visitor, shop: World) -> None:
    shop.crank.stop()
    shop.crank.start(shop.registry())
    page = ann.reads(IT)
    assert "Not in the code any more since now: it never runs" in page
    assert "Run now" not in page


def test_it_lists_the_next_ten_instants_by_its_own_clocks(shop: World, visit: Callable[..., Visitor]) -> None:
    shop.start("30 3 * * *", timezone="Europe/Riga", now=datetime(2026, 3, 27, 12, tzinfo=UTC))
    page = visit().html(IT)
    coming = page.partition('<ol class="coming">')[2].partition("</ol>")[0]
    assert coming.count("<time") == 10
    assert '<time datetime="2026-03-28T03:30:00+02:00" data-zoned>Sat 28 Mar 2026, 03:30:00</time>' in coming
    assert "Sun 29 Mar 2026, 04:00:00 +03:00" in words_of(coming)
    assert "Clocks go forward 1 h on Sun 29 Mar, from 03:00 to 04:00." in words_of(coming)


def test_the_jobs_lead_to_their_last_runs(shop: World, visit: Callable[..., Visitor]) -> None:
    shop.job("one")
    shop.job("two", depends_on=["one"])
    shop.start()
    shop.crank.run_due()
    page = visit().html(IT)
    nodes = re.findall(
        r'class="node (\w+)" href="/admin/runs/(\d)" aria-label="(\w+): completed, median 0 ms"', page
    )
    assert nodes == [("completed", "1", "one"), ("completed", "2", "two")]
    assert "two depends on one" in page
    assert "two one ✓ completed 0 ms All runs of two" in words_of(page)


def test_the_jobs_tell_of_their_runs_in_this_schedule(shop: World, visit: Callable[..., Visitor]) -> None:
    shop.taking(seconds=3)
    hourly, yearly = shop.schedule(), shop.schedule("0 0 1 1 *", id="yearly", name="Yearly")
    shop.start_with(hourly, yearly)
    shop.crank.run_due()
    assert "work: completed" in visit().html(IT)
    assert 'aria-label="work: not yet run"' in visit().html("/admin/schedules/yearly")


def test_jobs_that_never_ran_say_so(shop: World, visit: Callable[..., Visitor]) -> None:
    shop.start("0 0 1 1 *")
    page = visit().html(IT)
    assert 'aria-label="work: not yet run"' in page
    assert "Nothing yet." in words_of(page)


def test_the_history_has_a_stretch_as_one_row(shop: World, visit: Callable[..., Visitor]) -> None:
    shop.start("* * * * *")
    shop.crank.advance(minutes=2)
    shop.crank.down(hours=24)
    shop.crank.run_due()
    page = visit().reads(IT)
    assert re.search(r"1,4\d\d instants skipped: daemon down", page)


def test_the_history_is_paged_without_gaps_or_repetitions(ann: Visitor, shop: World) -> None:
    shop.crank.advance(hours=SHOWN + 10)
    first = ann.html(IT)
    older = re.search(r'rel="next" href="([^"#]+)#history"', first)
    assert older is not None
    shop.crank.advance(hours=1)
    second = ann.html(older[1].replace("&amp;", "&"))
    pages = [set(history(page)) for page in (first, second)]
    assert [len(page) for page in pages] == [SHOWN, len(shop.crank.ledger()) - 1 - SHOWN]
    assert not pages[0] & pages[1]
    assert "← Newest" in second


def history(page: str) -> list[str]:
    table = page.partition('id="history"')[2].partition('id="events"')[0]
    return re.findall(r'<td><a href="/admin/occurrences/(\d+)"', table)


@pytest.mark.parametrize("before", ["x", "2026-01-01T00:00:00~1", "2026-01-01T00:00:00Z~-1", "~", "9" * 80])
def test_a_place_in_the_history_that_is_none_is_told(ann: Visitor, before: str) -> None:
    answer = ann.get(IT, before=before)
    assert answer.status_code == 400
    assert "is no place in a history" in words_of(answer.text)


def test_it_plots_how_long_and_how_late(shop: World, visit: Callable[..., Visitor]) -> None:
    shop.taking(seconds=90)
    shop.start()
    shop.crank.advance(hours=3)
    page = visit().html(IT)
    assert "Of the newest 4, half took 1 min 30 s at most; the longest 1 min 30 s" in page
    assert "Of the newest 4, half began within 0 ms" in page
    assert page.count('<rect class="completed" x="') == 8
    assert words_of(page).count("1 min 30 s") >= 6


def test_what_never_ran_has_no_plots(shop: World, visit: Callable[..., Visitor]) -> None:
    shop.start("0 0 1 1 *")
    assert "Duration and lateness" not in visit().reads(IT)


def test_who_may_only_look_has_no_buttons(ann: Visitor, visit: Callable[..., Visitor]) -> None:
    assert "<form" not in visit(Role.VIEWER).html(IT)


def test_what_somebody_wrote_is_text(shop: World, visit: Callable[..., Visitor]) -> None:
    shop.start(name="<b>bold</b>", description="<img src=x onerror=alert(1)>")
    shop.crank.disable("it", reason="<script>alert(1)</script>")
    page = visit().html(IT)
    for bad in ("<b>bold", "<img src=x", "<script>alert"):
        assert bad not in page
