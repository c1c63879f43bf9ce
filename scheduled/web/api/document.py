"""The OpenAPI document: what the routes say of themselves, with what holds for all of them."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from scheduled.access.identity import Role
from scheduled.web.api.shapes import Problem
from scheduled.web.problems import MEDIA_TYPE

DESCRIPTION = """
Instants are ISO 8601 with an offset. A list answers `{"items": […], "next": …}`; `next` is the path of the
next page, or null: rows that arrive meanwhile move nothing. What goes wrong is told as a problem document
(RFC 9457). A change that a browser asks for with its login's cookie needs the header `X-CSRF-Token`, too.
""".strip()
SCHEMES = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API token, made under Account; or a JWT, if JWT_SECRET is set.",
    },
    "login": {
        "type": "apiKey",
        "in": "cookie",
        "name": "scheduled_session",
        "description": "The cookie of a login to the pages.",
    },
}
TAGS = [
    {"name": "schedules", "description": "What is due when, and the switches."},
    {"name": "runs", "description": "What became of what was due."},
    {"name": "timeline", "description": "The same as time."},
    {"name": "jobs", "description": "What runs."},
    {"name": "scheduler", "description": "The daemons."},
    {"name": "events", "description": "The audit."},
    {"name": "stream", "description": "News as it happens."},
    {"name": "monitoring", "description": "For those who watch from outside."},
]
WHY = {
    400: "It cannot be done so, or the cursor is none of this list.",
    401: "Nobody said who asks, or the token is not good.",
    403: "Who asks may not do that.",
    404: "There is no such thing.",
    409: "The thing is not in a state that allows it.",
    413: "The body is too large.",
    422: "The request is not valid; `errors` says where.",
    429: "Too much was asked for in too short a time: see Retry-After.",
    500: "Something went wrong within: the log tells what.",
    503: "The database does not answer, or too much is asked for at once: see Retry-After.",
}


def operation_id(route: APIRoute) -> str:
    """What the operation is called: as its route is, within the API."""
    return route.name.removeprefix("api_")


def describe(app: FastAPI) -> None:
    """Let the app's document say what holds for all routes: who may, and what can go wrong."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=DESCRIPTION,
        routes=app.routes,
        tags=TAGS,
    )
    components = document["components"]
    components["securitySchemes"] = SCHEMES
    components["schemas"]["Problem"] = Problem.model_json_schema()
    for name in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(name, None)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _complete(operation, path, method)
    return document


def _complete(operation: dict[str, Any], path: str, method: str) -> None:
    secured = "monitoring" not in operation["tags"] or path == "/metrics"
    changes = method != "get"
    if secured:
        role = Role.OPERATOR if changes else Role.VIEWER
        operation["security"] = [{"token": []}, {"login": []}]
        told = f"Needs the role {role} or a higher one."
        operation["description"] = f"{operation.get('description', '')}\n\n{told}".strip()
    statuses = {422, 500, 503} | ({401, 403, 429} if secured else set())
    statuses |= {400, 409, 413} if changes else {400}
    statuses |= {404} if "{" in path else set()
    for status in sorted(statuses):
        _document_problem(operation["responses"], status)
    for parameter in operation.get("parameters", ()):
        parameter["schema"] = _without_null(parameter["schema"])


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """What may be left out of a query may still not be null there."""
    others: list[dict[str, Any]] = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    if len(others) != 1:
        return schema
    return others[0] | {key: value for key, value in schema.items() if key != "anyOf"}


def _document_problem(responses: dict[str, Any], status: int) -> None:
    schema = {"$ref": "#/components/schemas/Problem"}
    example = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": WHY[status],
    }
    responses[str(status)] = {
        "description": WHY[status],
        "content": {MEDIA_TYPE: {"schema": schema, "example": example}},
    }
