"""Static files are kept by browsers for as long as their content is the same."""

import re

from tests.web.conftest import Visitor


def test_what_a_page_names_is_kept_for_ever(ann: Visitor) -> None:
    names = re.findall(r'"([^"]*/static/[^"]*)"', ann.html("/admin/schedules"))
    assert len(names) > 3
    assert {ann.get(name).headers["cache-control"] for name in names} == {
        "public, max-age=31536000, immutable"
    }


def test_what_is_asked_for_without_the_mark_of_its_content_is_asked_about(ann: Visitor) -> None:
    for address in ("/admin/static/app.css", "/admin/static/app.css?v=of-yesterday"):
        assert ann.get(address).headers["cache-control"] == "no-cache"


def test_it_is_not_sent_again_to_who_has_it(ann: Visitor) -> None:
    first = ann.get("/admin/static/times.js")
    again = ann.ask("GET", "/admin/static/times.js", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
