"""Requests that come with a key, and are done once however often they are repeated."""

from collections.abc import Callable
from datetime import datetime

from scheduled.errors import ConflictError
from scheduled.requesting import Requested
from scheduled.retention import KEYS_KEPT
from scheduled.store import idempotency as store
from scheduled.store import schedules
from scheduled.store.held import Held

Key = tuple[str, str]
"""The hash of a key, and that of all that was asked for with it: of at most 64 characters each."""


def once(held: Held, key: Key, now: datetime, ask: Callable[[], Requested]) -> Requested:
    """Within a transaction: what was asked for with this key before, or else what `ask` returns.

    Raises:
        ConflictError: the key came with another request.
        DuplicateError: somebody else has just used it: try again, and be told of his.
    """
    key_hash, request_hash = key
    known = held.row(store.KEY, the_key_hash=key_hash)
    if known is not None:
        first = held.row(schedules.OCCURRENCE, the_id=known.occurrence_id)
        if first is not None and now - known.at < KEYS_KEPT:
            if known.request_hash != request_hash:
                raise ConflictError(
                    "this idempotency key came with another request: each request needs a key of its own"
                )
            is_for = None if first.due_at == first.requested_at else first.due_at
            return Requested(first.id, first.schedule_id, already=True, for_instant=is_for)
        held.run(store.FORGET_KEY, the_key_hash=key_hash)
    asked = ask()
    held.insert(
        store.ADD_KEY, key_hash=key_hash, request_hash=request_hash, occurrence_id=asked.occurrence_id, at=now
    )
    return asked
