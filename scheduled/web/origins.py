"""Whether a request comes from a page of ours, and where somebody may be sent on to."""

from urllib.parse import urlsplit

from starlette.requests import HTTPConnection, Request

FORMS = ("", "application/x-www-form-urlencoded", "multipart/form-data", "text/plain")
"""What a page of another site can have a browser send without asking us first."""
PORTS = {"http": ":80", "https": ":443"}


def from_elsewhere(request: HTTPConnection) -> bool:
    """Whether the browser says that a page of another site made the request."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is not None and _host_of(origin) != _own_host(request, origin)


def might_be_forged(request: Request) -> bool:
    """Whether a page of another site may have made the request, as far as one can tell without a token."""
    if from_elsewhere(request):
        return True
    told = "sec-fetch-site" in request.headers or "origin" in request.headers
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return not told and "cookie" in request.headers and kind in FORMS


def local_path(text: str | None) -> str | None:
    """The path, if it is one on this host and nothing else."""
    if not text or not text.startswith("/") or text.startswith("//") or len(text) > 2000:
        return None
    if "\\" in text or not text.isprintable() or " " in text:
        return None
    return text


def _host_of(origin: str) -> str | None:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return None
    return parts.netloc.lower().removesuffix(PORTS.get(parts.scheme, ":")) or None


def _own_host(request: HTTPConnection, origin: str) -> str:
    host = request.headers.get("host", "").lower()
    return host.removesuffix(PORTS.get(origin.partition(":")[0], ":"))
