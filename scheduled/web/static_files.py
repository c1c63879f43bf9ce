"""The static files, at addresses that change with their content: browsers need not ask for them again."""

import os
from functools import cache
from hashlib import blake2b
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER = Path(__file__).parent / "static"
FOR_EVER = "public, max-age=31536000, immutable"
ASK_FIRST = "no-cache"


@cache
def content_mark(path: str) -> str:
    """A few letters that tell a static file's content from any other's; none if there is no such file."""
    file = FOLDER / path
    return blake2b(file.read_bytes(), digest_size=6).hexdigest() if file.is_file() else ""


class Kept(StaticFiles):
    """By the address with the mark of its content a file is kept for ever, by any other one asked about."""

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        answer = super().file_response(full_path, stat_result, scope, status_code)
        marked = scope["query_string"] == f"v={content_mark(Path(full_path).name)}".encode()
        answer.headers["Cache-Control"] = FOR_EVER if marked else ASK_FIRST
        return answer
