"""What happens, by name. Code emits events; log lines, metrics and notifications are subscribers."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

DEBUG, INFO, WARNING, ERROR = 10, 20, 30, 40


NO_FIELDS: Mapping[str, Any] = MappingProxyType({})


class Event(NamedTuple):
    """`name` is stable (`job.finished`); `fields` are its facts."""

    name: str
    level: int = INFO
    fields: Mapping[str, Any] = NO_FIELDS


Subscriber = Callable[[Event], None]


class Events:
    """Hands each event to every subscriber; one that raises breaks neither the caller nor the others."""

    def __init__(self, *subscribers: Subscriber, least: int = DEBUG) -> None:
        self._subscribers = list(subscribers)
        self.least = least
        """Events below this level interest nobody, and are not even made."""

    def subscribe(self, subscriber: Subscriber) -> None:
        self._subscribers.append(subscriber)

    def emit(self, name: str, level: int = INFO, /, **fields: Any) -> None:
        """Tell all subscribers that `name` happened."""
        if level < self.least:
            return
        event = Event(name, level, fields)
        for subscriber in self._subscribers:
            try:
                subscriber(event)
            except Exception:  # noqa: S112 - a broken listener must not stop the work
                continue
