"""What commits: the end of a transaction, and on PostgreSQL a statement that is a transaction by itself."""

from collections.abc import Callable
from typing import Any

import pytest

from scheduled.store.held import Held


def before_and_after_commits(
    patch: pytest.MonkeyPatch, before: Callable[[], None], after: Callable[[], None]
) -> None:
    """Have these called around each commit, as long as the patch lasts; either may raise."""
    for method in ("_commit", "_commit_at_once"):
        patch.setattr(Held, method, _between(before, getattr(Held, method), after))


def _between(before: Callable[[], None], commit: Any, after: Callable[[], None]) -> Callable[..., Any]:
    def commit_between(held: Held, *arguments: Any) -> Any:
        before()
        answer = commit(held, *arguments)
        after()
        return answer

    return commit_between


def nothing() -> None:
    """Neither before nor after."""
