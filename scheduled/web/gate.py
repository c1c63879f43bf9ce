"""Who is let in, and what they may do."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from inspect import isawaitable
from typing import Any

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from scheduled.access import jwts, secrecy
from scheduled.access.identity import Identity, Role
from scheduled.access.sessions import Sessions
from scheduled.access.tokens import PREFIX, Tokens
from scheduled.access.users import Users
from scheduled.clock import Clock
from scheduled.settings import Settings
from scheduled.store.database import Database
from scheduled.web.closing import is_from_here
from scheduled.web.links import is_api, link
from scheduled.web.origins import from_elsewhere, might_be_forged
from scheduled.web.problems import ProblemError
from scheduled.web.throttling import Attempts, Room

Authenticate = Callable[[Request], Identity | Awaitable[Identity | None] | None]
"""How an application that the admin is mounted in says who asks; None: nobody that it knows."""

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
SAFE = ("GET", "HEAD", "OPTIONS")
SESSION = "scheduled_session"
KEPT_FRESH = ("/admin/pulse", "/api/stream")
"""What an open page asks for by itself."""
CHALLENGE = 'Bearer realm="scheduled"'


class Gate:
    """Finds out who asks. Has the users, their logins and their tokens."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        clock: Clock,
        authenticate: Authenticate | None = None,
    ) -> None:
        self.users = Users(database, clock)
        self.tokens = Tokens(database, clock)
        self.sessions = Sessions(
            database,
            idle=timedelta(milliseconds=settings.session_idle_ms),
            lifetime=timedelta(milliseconds=settings.session_lifetime_ms),
            clock=clock,
        )
        self.attempts = Attempts()
        self.room = Room()
        self.setup_code = secrecy.new_code()
        """Who has it may add the first user. The process that serves tells it on its terminal."""
        self.has_logins = authenticate is None
        """Whether people log in here, and not at the application that the admin is mounted in."""
        self._jwt_secret = settings.jwt_secret
        self._clock = clock
        self._authenticate = authenticate

    async def identify(self, request: Request) -> Identity | None:
        """Who asks; None for somebody who has not said so.

        Raises:
            ProblemError: they said so, by a bearer token that is not good.
        """
        scheme, _, rest = request.headers.get("authorization", "").partition(" ")
        bearer = rest.strip() if scheme.lower() == "bearer" else ""
        if bearer.startswith(PREFIX):
            return await run_in_threadpool(self._by_token, bearer)
        if self._authenticate is not None:
            found = await run_in_threadpool(self._authenticate, request)
            known = await found if isawaitable(found) else found
            if known is not None:  # whatever it calls it: no login of ours protects its pages from forgeries
                return replace(known, how="application", session_id=None)
            if not (bearer and self._jwt_secret):
                return None
        if bearer:
            return self._by_jwt(bearer)
        if self.has_logins and (cookie := request.cookies.get(session_cookie(request))):
            return await run_in_threadpool(self.sessions.identify, cookie, in_use=_is_in_use(request))
        return None

    def is_closed(self) -> bool:
        """Whether nobody could be let in, because there are no users and nobody else says who asks."""
        return self.has_logins and self._jwt_secret is None and not self.users.exist()

    def _by_token(self, secret: str) -> Identity:
        if (found := self.tokens.identify(secret)) is None:
            raise _not_good("the API token is not good: it is none of ours, was revoked, or has expired")
        return found

    def _by_jwt(self, token: str) -> Identity:
        if self._jwt_secret is None:
            raise _not_good(f"the token is not good: it is no API token, which begins with {PREFIX}")
        try:
            return jwts.identity_of(token, self._jwt_secret, self._clock.now())
        except jwts.JwtError as error:
            raise _not_good(f"the JWT is not good: {error}") from None


def need(role: Role) -> Any:
    """For a route that only those may use who have this role or a higher one; it is given the Identity.

    A change that a browser asks for by itself, with a cookie, must come from a page of ours.
    """

    async def identity(request: Request) -> Identity:
        gate: Gate = request.app.state.site.gate
        found = await gate.identify(request)
        if found is None:
            raise await _unknown(gate, request)
        request.state.identity = found
        if not found.may(role):
            told = f"{found.name} is {found.role}: this needs the role {role}"
            raise ProblemError(403, told + (" or ADMIN" if role is Role.OPERATOR else ""))
        await _require_own_page(request, found)
        return found

    identity.needs = role  # type: ignore[attr-defined]
    return Depends(identity)


async def _anybody() -> None:
    """Nothing is asked."""


_anybody.needs = None  # type: ignore[attr-defined]
public = Depends(_anybody)
"""For a route that anybody may use."""


def _is_in_use(request: Request) -> bool:
    """Whether a person goes somewhere or does something; a script that keeps a page fresh only fetches.

    Over plain HTTP browsers do not tell which it is.
    """
    if request.method not in SAFE:
        return True
    if "hx-request" in request.headers or request.scope["path"].endswith(KEPT_FRESH):
        return False
    return request.headers.get("sec-fetch-mode", "navigate") == "navigate"


def session_cookie(request: Request) -> str:
    """The name of the cookie that holds a login. Behind TLS at the root, no other host can set such a one."""
    alone = request.url.scheme == "https" and not request.scope.get("root_path")
    return f"__Host-{SESSION}" if alone else SESSION


def is_own_form(cookie: str | None, token: object) -> bool:
    """Whether a form came with the token that belongs to the cookie."""
    return bool(cookie) and isinstance(token, str) and secrecy.same(secrecy.csrf_token(cookie or ""), token)


async def _require_own_page(request: Request, found: Identity) -> None:
    """Refuse what a page of another site may have had the browser send."""
    if found.how == "session":
        cookie = request.cookies[session_cookie(request)]
        request.state.csrf = secrecy.csrf_token(cookie)
        if request.method in SAFE:
            return
        if from_elsewhere(request):
            raise _forged("another site's page sent it", behind_proxy=True)
        if not is_own_form(cookie, await _sent_token(request)):
            raise _forged("it lacks the token of this login: load the page again, and try once more")
    elif found.how == "application" and request.method not in SAFE and might_be_forged(request):
        raise _forged("another site's page may have sent it", behind_proxy=True)


async def _sent_token(request: Request) -> object:
    if (header := request.headers.get("x-csrf-token")) is not None:
        return header
    kind = request.headers.get("content-type", "")
    return (await request.form()).get("csrf") if kind.startswith(FORMS) else None


async def _unknown(gate: Gate, request: Request) -> ProblemError:
    """What somebody is told who has not said who they are."""
    if await run_in_threadpool(gate.is_closed):
        return closed_to(request)
    if is_api(request) or not gate.has_logins:
        told = "say who you are: with a login, or with `Authorization: Bearer` and an API token"
        return ProblemError(401, told, {"WWW-Authenticate": CHALLENGE})
    query = f"?{request.url.query}" if request.url.query else ""
    wanted = request.scope["path"] + query if request.method == "GET" else None
    return ProblemError(303, "log in first", {"Location": link(request, "login", {"next": wanted})})


def closed_to(request: Request) -> ProblemError:
    """What they are told while there are no users."""
    how = "let the first one in with `scheduled user add NAME --role ADMIN`"
    if not is_from_here(request):
        return ProblemError(403, f"the admin has no users yet, and serves its own host alone: {how}")
    if is_api(request):
        return ProblemError(401, f"there are no users yet: {how}", {"WWW-Authenticate": CHALLENGE})
    return ProblemError(303, "there are no users yet", {"Location": link(request, "setup")})


def _not_good(told: str) -> ProblemError:
    return ProblemError(401, told, {"WWW-Authenticate": f'{CHALLENGE}, error="invalid_token"'})


def _forged(why: str, *, behind_proxy: bool = False) -> ProblemError:
    hint = " (behind a proxy: does it pass on the Host, and does SCHEDULE_TRUSTED_PROXIES name it?)"
    return ProblemError(403, f"the change was not made: {why}{hint if behind_proxy else ''}")
