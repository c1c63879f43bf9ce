"""Nothing that looks like a secret is told by pages or by the API: not whole, and not letter by letter."""

import pytest

from scheduled.web.curtain import LONGEST, MARGIN, Curtain
from scheduled.web.showing import shown
from tests.conftest import World
from tests.web.conftest import Come, Visitor

WHY = "ticket 7, password=hunter2"


@pytest.mark.parametrize("path", ["/api/events", "/api/schedules/it", "/admin/schedules/it"])
def test_it_hides_secrets_in_the_reasons_of_switches(shop: World, ann: Visitor, path: str) -> None:
    shop.crank.disable("it", reason=WHY)
    told = ann.get(path).text
    assert "hunter2" not in told
    assert "ticket 7, password=•••" in told


def test_the_api_drops_the_line_in_which_an_output_was_cut() -> None:
    run = {"output": "S3cr3tValue\npassword=hunter2 ok", "truncated": True}
    assert shown(run)["output"] == "password=••• ok"
    assert shown(run | {"truncated": False})["output"].startswith("S3cr3tValue\n")


def test_pages_drop_the_line_in_which_an_output_was_cut() -> None:
    assert Curtain().tail("S3cr3tValue\nand more", cut=True).text == "and more"
    assert Curtain().tail("S3cr3tValue", cut=True).text == "•••"


def test_of_a_very_long_text_only_the_end_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []

    def look(text: str, _more: object) -> str:
        looked.append(len(text))
        return text

    monkeypatch.setattr("scheduled.web.curtain.redact_text", look)
    tail = Curtain().tail("0123456789\n" * 1_000_000)
    assert looked[0] <= LONGEST + MARGIN
    assert (tail.cut, len(tail.text) > LONGEST - 20) == (True, True)


def refuses() -> None:
    raise ValueError("refused with password=hunter2 by Riga")


@pytest.mark.parametrize("path", ["/admin/runs", "/api/runs"])
def test_it_finds_nothing_by_what_it_hides(shop: World, visit: Come, path: str) -> None:
    shop.job(body=refuses)
    shop.start()
    shop.crank.run_due()
    visitor = visit()
    assert "refused with" not in visitor.get(path, q="password=h").text
    assert "refused with" in visitor.get(path, q="BY RIGA").text


@pytest.mark.parametrize("path", ["/admin/runs", "/api/runs"])
def test_what_it_hides_leaves_no_gap_in_what_it_finds(shop: World, visit: Come, path: str) -> None:
    told = iter(["hunter2 told openly", *["password=hunter2"] * 60])

    def refuse() -> None:
        raise ValueError(next(told))

    shop.job(body=refuse)
    shop.start()
    for _ in range(61):
        shop.crank.advance(hours=1)
    page = visit().get(path, q="hunter2").text
    assert "told openly" in page
    assert "•••" not in page
