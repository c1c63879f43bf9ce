"""One run, whole: and of what it left, nothing acts on the reader or tells a secret."""

from collections.abc import Callable
from typing import Any

import pytest

from scheduled.definitions import command
from tests.conftest import World
from tests.web.conftest import Visitor, words_of


@pytest.fixture
def ran(shop: World, visit: Callable[..., Visitor]) -> Callable[..., Visitor]:
    """Let a job run once, as the run 1."""

    def run(body: Callable[[], Any] | str, **options: Any) -> Visitor:
        if isinstance(body, str):
            command("work", ["printf", body])
        else:
            shop.job(body=body, **options)
        shop.start()
        shop.crank.run_due()
        return visit()

    return run


def fails() -> None:
    raise ValueError("no <i>such</i> order\x1b[31m!\x1b[0m")


def test_it_shows_the_output_as_text_without_colours(ran: Callable[..., Visitor]) -> None:
    visitor = ran("\\033[32mok\\033[0m <script>alert(1)</script>\\007")
    page = visitor.html("/admin/runs/1")
    assert "ok &lt;script&gt;alert(1)&lt;/script&gt;␇" in page


def test_it_hides_secrets_wherever_they_stand(ran: Callable[..., Visitor]) -> None:
    page = ran("connecting with password=hunter2 as ada").html("/admin/runs/1")
    assert "hunter2" not in page
    assert "connecting with password=••• as ada" in page


def test_it_hides_secrets_in_results(ran: Callable[..., Visitor]) -> None:
    page = ran(lambda: {"api_token": "hunter2", "rows": 3}).html("/admin/runs/1")
    assert "hunter2" not in page
    assert "&#34;rows&#34;: 3" in page


def test_it_hides_what_the_setting_names(shop: World, ran: Callable[..., Visitor], visit: Any) -> None:
    page = ran(lambda: {"iban": "LV80BANK0000435195001"}).html("/admin/runs/1")
    assert "LV80" in page
    shop.crank.settings = shop.crank.settings.model_copy(update={"redact": "iban"})
    assert "LV80" not in visit().html("/admin/runs/1")


def test_it_shows_what_it_raised(ran: Callable[..., Visitor]) -> None:
    page = ran(fails).html("/admin/runs/1")
    assert "<strong>ValueError</strong>: no &lt;i&gt;such&lt;/i&gt; order!" in page
    assert "Traceback (most recent call last)" in page


def test_it_shows_the_result_as_people_read_json(ran: Callable[..., Visitor]) -> None:
    page = ran(lambda: {"rows": 3, "shops": ["Rīga"]}).html("/admin/runs/1")
    assert "{\n  &#34;rows&#34;: 3,\n  &#34;shops&#34;: [\n    &#34;Rīga&#34;\n  ]\n}" in page


def test_it_links_all_its_attempts(ran: Callable[..., Visitor]) -> None:
    page = ran(fails, retries=2, retry_backoff=0.01).html("/admin/runs/2")
    assert "Attempts 1 ✕ failed, 2 (this one) ✕ failed, 3 ✕ failed" in words_of(page)
    assert 'href="/admin/runs/3"' in page


def test_it_says_where_it_ran_and_that_it_printed_nothing(ran: Callable[..., Visitor]) -> None:
    page = ran(lambda: None).reads("/admin/runs/1")
    assert "Where " in page
    assert "It printed nothing." in page


def test_it_says_when_only_the_end_of_the_output_is_kept(ran: Callable[..., Visitor]) -> None:
    page = ran("line of it\n" * 9_000).html("/admin/runs/1")
    assert "Only the end of it is kept here." in page
    assert len(page) < 300_000
