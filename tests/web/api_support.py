"""A program that asks the API, and holds each answer against the document that the API gives of itself."""

from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema_rs
from fastapi import FastAPI

from tests.web.conftest import Visitor

PROBLEM = "application/problem+json"
_documents: list[dict[str, Any]] = []


class Program:
    """Asks, and tells what is in the answer."""

    def __init__(self, visitor: Visitor, app: FastAPI) -> None:
        self._visitor = visitor
        self._app = app

    @property
    def document(self) -> dict[str, Any]:
        """What the API says of itself. Every app says the same, and takes a third of a second to say it."""
        if not _documents:
            _documents.append(self._app.openapi())
        return _documents[0]

    def get(self, path: str, expect: int = 200, /, **query: Any) -> Any:
        """The answer's body."""
        return self.ask("GET", path, expect, params=query or None).json()

    def post(self, path: str, body: Any = None, status: int = 202, **options: Any) -> Any:
        """The answer's body."""
        return self.ask("POST", path, status, json=body, **options).json()

    def patch(self, path: str, body: Any, status: int = 200) -> Any:
        """The answer's body."""
        return self.ask("PATCH", path, status, json=body).json()

    def problem(self, path: str, expect: int, /, **query: Any) -> str:
        """What the answer says is wrong."""
        return str(self.get(path, expect, **query)["detail"])

    def pages(self, path: str, /, **query: Any) -> Iterator[list[Any]]:
        """The items of each page of a list, one page after the other."""
        page = self.get(path, **query)
        yield page["items"]
        while page["next"] is not None:
            page = self.get(page["next"])
            yield page["items"]

    def ask(self, method: str, path: str, status: int, **options: Any) -> httpx.Response:
        """One request, whose answer has this status and is as documented."""
        answer = self._visitor.ask(method, path, **options)
        assert answer.status_code == status, answer.text
        if status >= 400:
            assert answer.headers["content-type"] == PROBLEM
            assert answer.json()["status"] == status
        if answer.content:
            self._hold_against_document(method, path.partition("?")[0], status, answer.json())
        return answer

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request, with whatever answer."""
        return self._visitor.ask(method, path, **options)

    def _hold_against_document(self, method: str, path: str, status: int, body: Any) -> None:
        schema = self._schema(method, path, status)
        if schema is not None:
            closed = {"components": {"schemas": _closed(self.document["components"]["schemas"])}}
            jsonschema_rs.validate(schema | closed, body)

    def _schema(self, method: str, path: str, status: int) -> Any:
        for template, operations in self.document["paths"].items():
            if _fits(template, path) and method.lower() in operations:
                content = operations[method.lower()]["responses"][str(status)]["content"]
                return next(iter(content.values()))["schema"]
        return None


def _fits(template: str, path: str) -> bool:
    parts, given = template.split("/"), path.split("/")
    return len(parts) == len(given) and all(
        part.startswith("{") or part == one for part, one in zip(parts, given, strict=True)
    )


def _closed(schemas: dict[str, Any]) -> dict[str, Any]:
    """The same, but nothing may stand in an answer that is not in the document; but for problems."""
    shut = {"additionalProperties": False}
    return {
        name: shape | shut
        if name != "Problem" and shape.get("type") == "object" and "properties" in shape
        else shape
        for name, shape in schemas.items()
    }
