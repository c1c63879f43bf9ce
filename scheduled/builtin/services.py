"""Asks services whether they are there, and how long their answer takes."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Unpack
from urllib.parse import SplitResult, unquote, urlsplit

from scheduled.builtin.making import JobOptions, Wrong, make, not_between
from scheduled.clock import Clock
from scheduled.context import JobContext, SkipJob
from scheduled.definitions import Job, Seconds
from scheduled.errors import ScheduledError
from scheduled.version import VERSION

if TYPE_CHECKING:
    from urllib.request import Request

VARIABLE = "CHECK_SERVICES"
ALLOWED = "http://host/path, https://host/path or tcp://host:port"


class ServicesDownError(ScheduledError):
    """Some services did not answer as they should."""


@dataclass(frozen=True)
class Answer:
    """What one target answered. `status` is HTTP's; `why` tells what is wrong with a target that is down."""

    target: str
    up: bool
    latency_ms: float
    status: int | None = None
    why: str | None = None


def check_services(
    *, targets: Sequence[str] | None = None, target_timeout: Seconds = 5.0, **options: Unpack[JobOptions]
) -> Job:
    """A job that asks each target (`http://…`, `https://…`, `tcp://host:port`), all at the same time.

    A target is up if it answers within `target_timeout` seconds: with a status below 400 after redirects,
    or by taking the connection. Without `targets` they come from the environment variable CHECK_SERVICES,
    separated by commas, when the job runs; without any it skips. Returns what each answered, with its
    latency in milliseconds; fails naming every target that is down, and why.
    """
    given = [targets] if isinstance(targets, str) else targets
    seconds = target_timeout.total_seconds() if isinstance(target_timeout, timedelta) else target_timeout

    def run(ctx: JobContext) -> list[dict[str, Any]]:
        wanted = list(given if given is not None else _from_environment())
        if not wanted:
            raise SkipJob(f"no targets: give check_services(targets=[…]) or set {VARIABLE}, as in {ALLOWED}")
        answers = ask_all(wanted, seconds)
        for answer in answers:
            became = "up" if answer.up else f"DOWN: {answer.why}"
            ctx.log.info("%s is %s (%.0f ms)", answer.target, became, answer.latency_ms)
        down = [f"{answer.target}: {answer.why}" for answer in answers if not answer.up]
        if down:
            raise ServicesDownError(f"{len(down)} of {len(answers)} services are down: " + "; ".join(down))
        return [{k: v for k, v in asdict(answer).items() if v is not None} for answer in answers]

    wrong = [wrong for target in given or () for wrong in _not_a_target(target)]
    wrong += not_between("target_timeout", seconds, 0.001, 86_400)
    about = "Ask the services that we need whether they answer"
    return make(run, "check-services", about, options, own=("targets", "target_timeout"), wrong=wrong)


def ask_all(targets: Sequence[str], timeout: float) -> list[Answer]:
    """What each target answers, in their order.

    Nothing takes longer than the timeout: not a name that does not resolve, nor an answer that only trickles.
    """
    from threading import Thread

    clock = Clock()
    late = f"no answer within {timeout:g} s"
    answers = [Answer(_shown(target), up=False, latency_ms=timeout * 1000, why=late) for target in targets]

    def fill(index: int, target: str) -> None:
        answers[index] = ask(target, timeout)

    threads = [Thread(target=fill, args=pair, daemon=True) for pair in enumerate(targets)]
    deadline = clock.monotonic() + timeout
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - clock.monotonic()))
    return list(answers)


def ask(target: str, timeout: float) -> Answer:
    """What one target answers within `timeout` seconds. Raises nothing: what goes wrong is the answer."""
    from http.client import HTTPException

    clock = Clock()
    began = clock.monotonic()
    found = Answer(_shown(target), up=False, latency_ms=0.0)
    try:
        parts = _parts(target)
        if parts.scheme == "tcp":
            _connect(str(parts.hostname), int(parts.port or 0), timeout)
            found = replace(found, up=True)
        else:
            status, reason = _get(parts, timeout)
            why = None if status < 400 else f"HTTP {status} {reason}".strip()
            found = replace(found, up=status < 400, status=status, why=why)
    except TimeoutError:
        found = replace(found, why=f"no answer within {timeout:g} s")
    except (OSError, HTTPException, ValueError) as error:
        found = replace(found, why=_text_of(error))
    return replace(found, latency_ms=round((clock.monotonic() - began) * 1000, 1))


def _connect(host: str, port: int, timeout: float) -> None:
    import socket

    socket.create_connection((host, port), timeout=timeout).close()


def _get(parts: SplitResult, timeout: float) -> tuple[int, str]:
    """The status of the answer, after redirects, and what it is called. The body is not read."""
    from urllib.error import HTTPError, URLError
    from urllib.request import urlopen

    try:
        with urlopen(_request(parts), timeout=timeout) as answer:  # noqa: S310 - http and https only
            return answer.status, answer.reason
    except HTTPError as error:
        with error:
            return max(400, error.code), str(error.reason) if error.code >= 400 else str(error)
    except URLError as error:
        raise (error.reason if isinstance(error.reason, OSError) else error) from None


def _request(parts: SplitResult) -> "Request":
    from urllib.request import Request

    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="")
    request = Request(bare.geturl(), headers={"User-Agent": f"scheduled/{VERSION}"})  # noqa: S310 - as above
    if parts.username is not None:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        request.add_unredirected_header("Authorization", f"Basic {b64encode(login.encode()).decode()}")
    return request


def _parts(target: str) -> SplitResult:
    parts = urlsplit(target.strip())
    if parts.scheme not in ("http", "https", "tcp") or not parts.hostname:
        raise ValueError(f"it is no target: {ALLOWED}")
    if parts.port is None and parts.scheme == "tcp":
        raise ValueError(f"it has no port: {ALLOWED}")
    return parts


def _not_a_target(target: object) -> list[Wrong]:
    if not isinstance(target, str):
        return [(f"the target {target!r} is no text", ALLOWED)]
    try:
        _parts(target)
    except ValueError as error:
        return [(f"the target {_shown(target)!r} cannot be asked: {error}", "")]
    return []


def _shown(target: str) -> str:
    """Without the password."""
    before, at, host = target.strip().rpartition("@")
    scheme, separator, login = before.partition("://")
    if not at or not separator or ":" not in login or "/" in login:
        return target.strip()
    return f"{scheme}://{login.partition(':')[0]}:***@{host}"


def _text_of(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _from_environment() -> list[str]:
    from scheduled.settings import Sources

    sources = Sources()
    text = {**sources.dotenv, **sources.environment}.get(VARIABLE, "")
    return [target.strip() for target in text.split(",") if target.strip()]
