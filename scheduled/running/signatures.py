"""Finds out whether, and how, a job's function wants its context. Pure."""

import ast
import inspect
import types
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Annotated, Any, Union, get_args, get_origin
from weakref import WeakKeyDictionary

from scheduled.context import JobContext

Caller = Callable[[Callable[..., Any], Callable[[], JobContext]], Any]
"""Calls a function, with the context where and how it wants it; what makes the context is called then."""

_known: WeakKeyDictionary[Callable[..., Any], Caller] = WeakKeyDictionary()


def caller_of(function: Callable[..., Any]) -> Caller:
    """How to call `function`. Looked up once; the context goes to the parameter annotated `JobContext`."""
    try:
        return _known[function]
    except (KeyError, TypeError):
        found = _inspected(function)
    with suppress(TypeError):  # it cannot be hashed, or not be referred to weakly
        _known[function] = found
    return found


def _inspected(function: Callable[..., Any]) -> Caller:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError, NameError):
        return _without
    names = _names_of(function)
    for index, parameter in enumerate(parameters):
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if _means_context(parameter.annotation, names):
            if parameter.kind == parameter.KEYWORD_ONLY:
                return partial(_by_name, parameter.name)
            if index == 0:
                return _first
            if parameter.kind == parameter.POSITIONAL_ONLY:
                return partial(_at, [before.default for before in parameters[:index]])
            return partial(_by_name, parameter.name)
    return _without


def _without(function: Callable[..., Any], _context: Callable[[], JobContext]) -> Any:
    return function()


def _first(function: Callable[..., Any], context: Callable[[], JobContext]) -> Any:
    return function(context())


def _by_name(name: str, function: Callable[..., Any], context: Callable[[], JobContext]) -> Any:
    return function(**{name: context()})


def _at(before: list[Any], function: Callable[..., Any], context: Callable[[], JobContext]) -> Any:
    return function(*before, context())


def _names_of(function: Any) -> Mapping[str, Any]:
    """The names that the function's annotations can mean."""
    while isinstance(function, partial):
        function = function.func
    function = inspect.unwrap(function)
    if not hasattr(function, "__globals__"):
        function = inspect.unwrap(type(function).__call__)
    with suppress(TypeError, AttributeError):
        closure = inspect.getclosurevars(function).nonlocals
        return {**getattr(function, "__globals__", {}), **closure}
    return getattr(function, "__globals__", {})


def _means_context(annotation: Any, names: Mapping[str, Any]) -> bool:
    if annotation is JobContext:
        return True
    if isinstance(annotation, str):
        with suppress(SyntaxError, ValueError, RecursionError, MemoryError):
            return _spells_context(ast.parse(annotation.strip(), mode="eval").body, names)
        return False
    origin = get_origin(annotation)
    if origin is Annotated:
        return _means_context(get_args(annotation)[0], names)
    if origin in (Union, types.UnionType):
        return any(_means_context(part, names) for part in get_args(annotation))
    return isinstance(forward := getattr(annotation, "__forward_arg__", None), str) and _means_context(
        forward, names
    )


def _spells_context(node: ast.expr, names: Mapping[str, Any]) -> bool:
    """Whether an annotation, as written, means the context. Unresolved names go by their look."""
    match node:
        case ast.Name(id=name):
            meant = names.get(name, JobContext if name == "JobContext" else None)
            return not isinstance(meant, str) and _means_context(meant, names)
        case ast.Attribute(attr=name):
            return name == "JobContext"
        case ast.Constant(value=str(text)):
            return _means_context(text, names)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _spells_context(left, names) or _spells_context(right, names)
        case ast.Subscript(value=ast.Name(id=name) | ast.Attribute(attr=name), slice=inner):
            if name == "Annotated" and isinstance(inner, ast.Tuple):
                return _spells_context(inner.elts[0], names)
            parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            return name in ("Optional", "Union") and any(_spells_context(part, names) for part in parts)
    return False
