"""Pages from templates: what every page shows, and how instants, durations and outcomes are told."""

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from humanize import intcomma, naturaldelta
from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from scheduled.access.identity import Role
from scheduled.phrases import lasting
from scheduled.version import VERSION
from scheduled.web.links import here, link
from scheduled.web.sentences import told
from scheduled.web.site import site_of
from scheduled.web.static_files import content_mark
from scheduled.web.texts import visible
from scheduled.web.wellbeing import kind_of, skew

SIGNS = {
    "COMPLETED": "✓", "FAILED": "✕", "TIMED_OUT": "◔", "INTERRUPTED": "!",
    "CANCELLED": "⊘", "SKIPPED": "–", "RUNNING": "▶", "QUEUED": "…",
}  # fmt: skip
"""Each outcome by its shape, for those who see no colours."""


AGES = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def page(
    request: Request,
    template: str,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
    **context: Any,
) -> HTMLResponse:
    """An answer that is a page; with what every page needs: who asks, what time it is, how the daemon is."""
    site = site_of(request)
    shared = {
        "request": request,
        "now": site.clock.now(),
        "identity": getattr(request.state, "identity", None),
        "here": here(request),
        "settings": site.settings,
        "vitals": getattr(request.state, "vitals", None),
    }
    html = environment().get_template(template).render(shared | context)
    return HTMLResponse(html, status, headers)


@cache
def environment() -> Environment:
    """The templates, in which whatever is printed is text unless it is marked as markup."""
    made = Environment(
        loader=PackageLoader("scheduled.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "time": time_element, "ago": ago, "lasting": took, "sign": lambda status: SIGNS.get(status, "?"),
        "words": lambda status: str(status).replace("_", " ").lower(), "number": intcomma, "pretty": pretty,
        "age": age, "merged": lambda one, other: {**one, **other},
        "kind_of": kind_of, "skew": skew,
        "told": told, "visible": visible, "tidy": tidy,
    }  # fmt: skip
    made.globals |= {"link": _link, "static": _static, "Role": Role, "version": VERSION}
    return made


@pass_context
def _link(context: Context, name: str, query: dict[str, Any] | None = None, **parameters: Any) -> str:
    return link(context["request"], name, query, **parameters)


@pass_context
def _static(context: Context, path: str) -> str:
    """A static file, whose address changes with its content: browsers may keep it for ever."""
    return link(context["request"], "static", {"v": content_mark(path)}, path=path)


def time_element(moment: datetime | None, style: str = "full") -> Markup:
    """A `<time>`, in UTC as it stands; a script shows it as the reader's own clock and locale would.

    `style`: "full", "time" (of day), "ago" (how long ago) or "countdown" (how long still).
    """
    if moment is None:
        return Markup('<span class="none">–</span>')
    moment = moment.astimezone(UTC)
    shown = f"{moment:%H:%M:%S}" if style == "time" else f"{moment:%Y-%m-%d %H:%M:%S} UTC"
    return Markup('<time datetime="{}" data-as="{}" title="{}">{}</time>').format(
        moment.isoformat(), style, f"{moment:%Y-%m-%d %H:%M:%S} UTC", shown
    )


def ago(moment: datetime | None, now: datetime) -> Markup:
    """A `<time>` that tells how long ago it was, or in how long it will be; exactly on hover."""
    if moment is None:
        return Markup('<span class="none">never</span>')
    distance = moment - now
    near = abs(distance) < timedelta(seconds=1)
    words = "now" if near else naturaldelta(abs(distance))
    told = words if near else f"in {words}" if distance > timedelta(0) else f"{words} ago"
    moment = moment.astimezone(UTC)
    return Markup('<time datetime="{}" data-as="ago" title="{}">{}</time>').format(
        moment.isoformat(), f"{moment:%Y-%m-%d %H:%M:%S} UTC", told
    )


def age(moment: datetime, now: datetime) -> Markup:
    """A `<time>` that tells how old something is: '12 s', '3 min'; it grows as one looks."""
    seconds = max(0, int((now - moment).total_seconds()))
    size, unit = next(((size, unit) for size, unit in AGES if seconds >= size), AGES[-1])
    return Markup('<time datetime="{}" data-as="age">{} {}</time>').format(
        moment.astimezone(UTC).isoformat(), seconds // size, unit
    )


def took(milliseconds: float | None) -> str:
    """'812 ms', '3.2 s', '2 min 5 s'."""
    return "–" if milliseconds is None else lasting(timedelta(milliseconds=milliseconds))


def tidy(number: float) -> str:
    """A number without zeros that say nothing: '3', '1,432.5'."""
    return f"{number:,.2f}".rstrip("0").rstrip(".")


def pretty(value: Any) -> str:
    """JSON as people read it."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)
