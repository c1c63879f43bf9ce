"""Asks the API whatever its document allows, and what it does not: each answer must be as documented."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.openapi.checks import RejectedPositiveData

from scheduled.access.identity import Role
from scheduled.store.database import Database
from scheduled.web.app import create_app
from tests.conftest import World

ENDLESS = "/api/stream"
BEYOND = re.compile("calendar|no such instant|a timeline is of")
"""What a document cannot say: which instants there are, and that one comes before another one."""


@contextmanager
def served(world: World) -> Iterator[tuple[FastAPI, str]]:
    """An admin with logins of its own, and the token of somebody who may everything."""
    database = Database(world.url, own_clock=True)
    try:
        app = create_app(world.crank.settings, database=database, clock=world.crank.clock)
        gate = app.state.site.gate
        ann = gate.users.add("ann", Role.ADMIN, "correct horse battery staple", actor="test")
        yield app, gate.tokens.make(ann, "test", Role.ADMIN, None, actor="test")
    finally:
        database.close()


def ask_everything(app: FastAPI, token: str, *, examples: int, derandomize: bool) -> set[str]:
    """Try each operation so many times, rightly and wrongly; which ones were tried."""
    headers = {"Authorization": f"Bearer {token}"}
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", app, headers=headers)
    tried = set()
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation: Any = found.ok()
        if operation.path != ENDLESS:
            tried.add(operation.label)
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                _ask(operation, mode, headers, examples, derandomize)
    return tried


def _ask(
    operation: Any, mode: GenerationMode, headers: dict[str, str], examples: int, derandomize: bool
) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=derandomize,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        if mode is GenerationMode.POSITIVE and case.query:
            case.query.pop("cursor", None)  # only a list itself makes good ones
        _validate(case, headers)

    try:
        ask()
    except Unsatisfiable:  # nothing of it can be wrong
        assert mode is GenerationMode.NEGATIVE


def _validate(case: Any, headers: dict[str, str]) -> None:
    try:
        case.call_and_validate(headers=headers)
    except FailureGroup as group:
        kinds = [type(error) for error in group.exceptions]
        if kinds != [RejectedPositiveData] or not BEYOND.search(str(group)):
            raise
