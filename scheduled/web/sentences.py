"""Sentences of ours as a page shows them: instants by the reader's clock, and links to what they name."""

import re

from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from scheduled.web.links import link

_NAMED = re.compile(
    r"`(?P<code>[^`\n]+)`"
    r"|(?P<instant>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d))"
    r"|\boccurrence (?P<occurrence>[1-9]\d{0,17})\b"
    r"|\brun (?P<run>[1-9]\d{0,17})\b"
)
_PLAIN = re.compile(r"[a-z]+(?![\w./-]| \(run )")
"""A word, and not the name of a job, which stays as it is."""


@pass_context
def told(context: Context, text: str | None) -> Markup:
    """A sentence with a capital letter; code, instants, occurrences and runs in it are marked up."""
    text = text or ""
    if _PLAIN.match(text):
        text = text[:1].upper() + text[1:]
    parts, end = [], 0
    for found in _NAMED.finditer(text):
        parts += [escape(text[end : found.start()]), _marked_up(context, found)]
        end = found.end()
    return Markup("").join([*parts, escape(text[end:])])


def _marked_up(context: Context, found: re.Match[str]) -> Markup:
    if (code := found["code"]) is not None:
        return Markup("<code>{}</code>").format(code)
    if (instant := found["instant"]) is not None:
        shown = instant.replace("T", " ").replace("Z", " UTC")
        return Markup('<time datetime="{}" data-as="full">{}</time>').format(instant, shown)
    kind = "occurrence" if found["occurrence"] else "run"
    path = link(context["request"], kind, None, **{f"{kind}_id": int(found[kind])})
    return Markup('<a href="{}">{}</a>').format(path, found[0])
