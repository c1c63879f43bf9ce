"""News as it happens, as server-sent events."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from starlette.responses import StreamingResponse
from starlette.types import Send

from scheduled.access.identity import Identity, Role
from scheduled.errors import DatabaseError
from scheduled.web.gate import need
from scheduled.web.news import Watcher
from scheduled.web.problems import ProblemError
from scheduled.web.site import site_of

router = APIRouter(prefix="/api", tags=["stream"])

KEEP_ALIVE_SECONDS = 15.0
SLOWEST_SECONDS = 60.0
"""Who takes nothing for so long is gone, or as good as."""
MOST_STREAMS = 250
"""Half of the connections that a server holds at most: the pages need some, too."""
LARGEST = 2**63 - 1
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@router.get("/stream", name="stream", summary="News as it happens")
def stream(
    request: Request,
    _identity: Annotated[Identity, need(Role.VIEWER)],
    occurrence: Annotated[
        int | None, Query(ge=1, le=LARGEST, description="Stream what the runs of this occurrence print, too.")
    ] = None,
    seen: Annotated[
        str | None, Query(max_length=64, description="The id of the last news that you know.")
    ] = None,
    last_event_id: Annotated[str | None, Header(max_length=64)] = None,
) -> Response:
    """Server-sent events.

    `news` comes whenever anything has changed, with the greatest ids that there are; and once at the
    beginning, unless `seen` (or Last-Event-ID) says that you know them. `output` comes, with `occurrence`,
    whenever a run of it has printed something or come farther. A comment each 15 seconds keeps it alive.
    """
    watcher: Watcher = request.app.state.watcher
    if watcher.listeners >= MOST_STREAMS:
        raise ProblemError(503, "too many streams are open: close one, or come again", {"Retry-After": "30"})
    if "head" in request.scope:
        return Response(media_type="text/event-stream", headers=HEADERS)
    return Stream(request, watcher, occurrence, last_event_id or seen)


class Stream(StreamingResponse):
    """An answer that goes on until the client leaves, or may no longer see it."""

    media_type = "text/event-stream"

    def __init__(
        self, request: Request, watcher: Watcher, occurrence_id: int | None, seen: str | None
    ) -> None:
        super().__init__((), headers=HEADERS)
        self._request = request
        self._watcher = watcher
        self._wanted = occurrence_id, seen

    async def stream_response(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        listener = self._watcher.listen(*self._wanted)
        moment = asyncio.get_running_loop().time
        allowed_at = moment()
        try:
            await self._send(send, b"retry: 1000\n\n")
            while (events := await listener.take(KEEP_ALIVE_SECONDS)) is not None:
                if moment() - allowed_at >= KEEP_ALIVE_SECONDS:
                    if not await self._still_allowed():
                        break
                    allowed_at = moment()
                await self._send(send, b"".join(events) or b": all is quiet\n\n")
        except TimeoutError:
            return
        finally:
            self._watcher.leave(listener)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send(self, send: Send, body: bytes) -> None:
        message: Any = {"type": "http.response.body", "body": body, "more_body": True}
        await asyncio.wait_for(send(message), SLOWEST_SECONDS)

    async def _still_allowed(self) -> bool:
        """Whether the login or token that it was opened with is good still."""
        try:
            return await site_of(self._request).gate.identify(self._request) is not None
        except (ProblemError, DatabaseError) as error:
            return isinstance(error, DatabaseError)
