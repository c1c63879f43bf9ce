"""Hides what looks like a secret in what is shown: values by their names, and what stands in texts. Pure.

It is a net with holes, not a wall: what a job prints without saying what it is passes through. Of several
readings it takes the one that hides more. All patterns are possessive, so that no text takes more than linear
time.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Any

MASK = "•••"
DEEPEST = 64
LONGEST_NAME = 256

_WITHIN = ("password", "passwd", "passphrase", "credential")
_AT_THE_END = ("secret", "secrets", "token", "apikey", "apikeys")
_WHOLE = frozenset({
    "authorization", "cookie", "cookies", "jwt",
    "accesskey", "authkey", "encryptionkey", "masterkey", "privatekey", "secretkey", "signingkey", "sshkey",
})  # fmt: skip
_OF_A_PASS = frozenset({
    "admin", "database", "db", "email", "ftp", "imap", "mail", "mysql", "pg", "redis", "root", "smtp", "user",
})  # fmt: skip
_OF_A_PLAIN_KEY = frozenset({
    "any", "cache", "child", "column", "composite", "config", "dict", "duplicate", "each", "first", "foreign",
    "group", "hash", "idempotency", "index", "invalid", "join", "json", "last", "lookup", "map", "message",
    "missing", "natural", "new", "next", "object", "old", "order", "parent", "partition", "primary", "public",
    "range", "record", "routing", "row", "same", "shard", "sort", "table", "the", "this", "unique", "unknown",
})  # fmt: skip
_PLAIN_AT_THE_END = frozenset({
    "age", "at", "changed", "count", "counts", "env", "expired", "expires", "expiry", "field", "file",
    "header", "id", "ids", "kind", "len", "length", "limit", "max", "min", "ms", "name", "names", "path",
    "policy", "provider", "ref", "required", "seconds", "size", "total", "ttl", "type", "types", "uri", "url",
    "usage", "used", "valid",
})  # fmt: skip
"""`token_count`, `access_key_id`, `password_changed_at`: what is told of a secret, without telling it."""

_BARE = frozenset({"auth", "key", "keys", "pass"})
"""Names that are one word alone: of values they tell enough, in a sentence (`key: none`) they do not."""
_OF_TEXT = frozenset({"tokens", "access_tokens", "api_tokens", "refresh_tokens"})
"""What is told of as a number, too: `tokens: 512`."""

_WORD = re.compile(r"[A-Z]++(?![a-z])|[A-Z]?[a-z]++|[A-Z]|\d++")
_NAMED = re.compile(
    r"""(?P<lead>^[ \t]*+(?:-[ \t]++)?["']?)?+(?<![\w.-])(?P<name>[\w.-]++)"""
    r"""(?:(?P<sign>(?:\\{0,8}["'])?+\]?[ \t]*+[:=]{1,2}>?[ \t]*+)|(?P<space>[ \t]++))""",
    re.MULTILINE,
)
_QUOTED = re.compile(
    r"""\w{0,16}\(?(?:\\{1,8}["'][^"'\n]*+["']?|"(?:[^"\\\n]|\\.)*+"?|'(?:[^'\\\n]|\\.)*+'?)"""
)
_LITERAL = re.compile(r"(?:-?\d[\d.eE+-]*+|true|false|null|None|True|False)(?=[,}\])\s]|\Z)")
_BRACKETED = re.compile(r"[\[({][^\n]*+")
_IN_QUERY = re.compile(r"[^\s&\"'<>#]++")
_REST_OF_LINE = re.compile(r"[^\n]*+")
_REST_IN = {'"': re.compile(r'[^"\n]*+'), "'": re.compile(r"[^'\n]*+")}
_WORDS_END = re.compile(r"\S++")
_BEARER = re.compile(r"\b(bearer[ \t]++)[\w.~+/=-]{16,}+", re.IGNORECASE)
_PRIVATE_KEY = re.compile(
    r"(-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----)[^-]++(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?"
)
_TOKEN = re.compile(r"\bsch_[\w-]{20,}+|\beyJ[\w-]{8,}+\.[\w-]{8,}+\.[\w-]{8,}+")
"""Our own tokens, and JWTs: they need no name."""
_END_OF_A_LINE = re.compile(r"\r?\n|\r")
_REST_OF_A_KEY = re.compile(r"\A[^-]*+-----END [A-Z ]{0,40}PRIVATE KEY-----")
ANSI = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours, and where the cursor goes
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?"  # titles and links, up to their end
    r"|\x1b[ -/]*[0-~]?"
)
_PORT = re.compile(r"\d{1,5}/")
_RUN = re.compile(r"""[^\s"'<>]++""")


def names(pattern: str | None) -> re.Pattern[str] | None:
    """The pattern of further names whose values are hidden. Raises re.error if it is none."""
    return re.compile(pattern, re.IGNORECASE) if pattern else None


def looks_secret(name: str, more: re.Pattern[str] | None = None) -> bool:
    """Whether a value under this name is to be hidden: as its words say, or `more`, wherever it matches."""
    return _looks_secret(name[-LONGEST_NAME:], more)


@lru_cache(maxsize=4096)  # lists tell the same few names thousands of times
def _looks_secret(name: str, more: re.Pattern[str] | None) -> bool:
    if more is not None and more.search(name):
        return True
    words = [word.lower() for word in _WORD.findall(name)]
    if not words or words[-1] in _PLAIN_AT_THE_END:
        return False
    if any(_is_secret(word) for word in words):
        return True
    last = [word.lower() for word in _WORD.findall(name.rpartition(".")[2])]
    return any(_are_secret(*pair) for pair in pairwise(last))


def _is_secret(word: str) -> bool:
    if word in _WHOLE or word.endswith(_AT_THE_END):
        return True
    return word != "passwordless" and any(part in word for part in _WITHIN)


def _are_secret(before: str, word: str) -> bool:
    """`access_key`, `DB_PASS`, `MYSQL_PWD`; but no `primary_key`, `first_pass`, and no PWD, a directory."""
    if word in ("key", "keys"):
        return before not in _OF_A_PLAIN_KEY
    return word == "pwd" or (word == "pass" and before in _OF_A_PASS)


def redact_values(value: Any, more: re.Pattern[str] | None = None) -> Any:
    """The JSON value, with what stands under secret names hidden, and what looks secret within texts.

    That there is nothing (null), and yes or no, is no secret.
    """
    return _redacted(value, more, DEEPEST)


def _redacted(value: Any, more: re.Pattern[str] | None, deeper: int) -> Any:
    if isinstance(value, str):
        return redact_text(value, more)
    if not isinstance(value, dict | list):
        return value
    if not deeper:
        return MASK
    if isinstance(value, list):
        return [_redacted(one, more, deeper - 1) for one in value]
    return {
        name: MASK if _hides(name, one, more) else _redacted(one, more, deeper - 1)
        for name, one in value.items()
    }


def _hides(name: object, value: Any, more: re.Pattern[str] | None) -> bool:
    if value is None or isinstance(value, bool):
        return False
    if isinstance(value, str | list) and str(name).lower() in _BARE | _OF_TEXT:
        return True
    return looks_secret(str(name), more)


def redact_text(text: str, more: re.Pattern[str] | None = None) -> str:
    """The text, with hidden what stands behind a secret name, in a URL's password or a bearer's token.

    Names stand before `=` or `:`, in quotes or without, or are options (`--password …`). Where something
    is hidden, colours go, for they may stand within a name.
    """
    hidden = _without_secrets(text, more)
    if "\x1b" not in text:
        return hidden
    plain = ANSI.sub("", text)
    without = _without_secrets(plain, more)
    return text if hidden == text and without == plain else without


def whole_lines(text: str) -> str:
    """Of a text whose beginning was cut off, what no name that was cut off can belong to.

    That is from its first whole line on, and behind a private key; a mask, if it has but one line.
    """
    end = _END_OF_A_LINE.search(text)
    if end is None:
        return MASK if text else ""
    return _REST_OF_A_KEY.sub(MASK, text[end.end() :])


def _without_secrets(text: str, more: re.Pattern[str] | None) -> str:
    text = _PRIVATE_KEY.sub(rf"\1{MASK}", text)
    text = _RUN.sub(_without_password, text) if "://" in text else text
    text = "".join(_without_named(text, more))
    return _TOKEN.sub(MASK, _BEARER.sub(rf"\1{MASK}", text))


def _without_password(run: re.Match[str]) -> str:
    """A URL up to the next space or quote: its password may hold anything, so it ends at the last `@`."""
    whole = run[0]
    end = whole.rfind("@")
    scheme, sign, rest = whole[: max(end, 0)].partition("://")
    user, colon, password = rest.partition(":")
    if not scheme or not colon or "/" in user or "@" in user or _PORT.match(password):
        return whole
    begin = len(scheme + sign + user + colon)
    return whole[:begin] + MASK + whole[end:]


def _without_named(text: str, more: re.Pattern[str] | None) -> Iterator[str]:
    at = 0
    for found in _NAMED.finditer(text):
        if found.start("name") < at or (found["sign"] is None and not found["name"].startswith("--")):
            continue
        if not looks_secret(found["name"], more) and not _is_bare(found):
            continue
        end = _end_of_value(text, found)
        if end > found.end():
            yield text[at : found.end()] + MASK
            at = end
    yield text[at:]


def _is_bare(found: re.Match[str]) -> bool:
    """`key=…`, `--key …`, `"key": "…"`; but not the `key:` of a sentence."""
    name, sign = found["name"], found["sign"] or ""
    if name.lstrip("-").lower() not in _BARE:
        return False
    return name.startswith("--") or sign.strip() == "=" or sign.startswith(('"', "'"))


def _end_of_value(text: str, found: re.Match[str]) -> int:
    """Where the value ends that begins behind a name."""
    begin, name = found.end(), found["name"].lower()
    if found["sign"] is None and text.startswith("-", begin):
        return begin  # one more option: this one has no value
    before = text[found.start("name") - 1 : found.start("name")]
    if quoted := _QUOTED.match(text, begin) or _LITERAL.match(text, begin) or _BRACKETED.match(text, begin):
        return quoted.end()
    if "authorization" in name or "cookie" in name:
        pattern = _REST_IN.get(before, _REST_OF_LINE)
    elif before in ("?", "&"):
        pattern = _IN_QUERY
    elif found["lead"] is not None and ":" in (found["sign"] or ""):
        pattern = _REST_OF_LINE
    else:
        pattern = _WORDS_END
    value = pattern.match(text, begin)
    return begin if value is None else value.end()
