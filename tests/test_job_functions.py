"""Functions that cannot work as jobs are faults when they are defined, not failures at two in the morning."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from scheduled import JobContext, collecting, job
from scheduled.errors import DefinitionsError

Context = JobContext


def unannotated(ctx):  # type: ignore[no-untyped-def]
    """Nobody knows that this is the context."""


def two(ctx: JobContext, shop: int) -> None:
    """Nobody gives it a shop."""


def yields() -> Iterator[int]:
    yield 1


async def yields_later() -> AsyncIterator[int]:
    yield 1


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (unannotated, "it needs 'ctx', which nobody gives it"),
        (two, "it needs 'shop', which nobody gives it"),
        (yields, "it is a generator"),
        (yields_later, "it is a generator"),
    ],
)
def test_it_refuses_what_cannot_be_called(function: Callable[..., Any], told: str) -> None:
    with pytest.raises(DefinitionsError, match=told):
        job(function)


def plain() -> None: ...
def with_context(ctx: JobContext) -> None: ...
def by_another_name(ctx: Context) -> None: ...
def optional(ctx: JobContext | None = None) -> None: ...
def with_defaults(shop: int = 1, *rest: int, **more: int) -> None: ...
def keyword_only(*, ctx: JobContext) -> None: ...


@pytest.mark.parametrize(
    "function", [plain, with_context, by_another_name, optional, with_defaults, keyword_only]
)
def test_it_takes_what_can_be_called(function: Callable[..., Any]) -> None:
    job(name="work")(function)
    assert collecting.jobs()[-1].name == "work"
