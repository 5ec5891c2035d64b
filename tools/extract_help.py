"""Collects the help of the `flask` commands, which is their docstrings, for `make translations`."""

from __future__ import annotations

import ast
from typing import IO, TYPE_CHECKING, Any

from babel.messages.extract import extract_python

if TYPE_CHECKING:
    from collections.abc import Iterator


def extract(
    file: IO[bytes],
    keywords: dict[str, Any],
    comment_tags: list[str],
    options: Any,  # noqa: ANN401 - Babel's own
) -> Iterator[tuple[Any, ...]]:
    """Yield what Babel finds in a Python file, and the docstring of each function that is a command."""
    yield from extract_python(file, keywords, comment_tags, options)
    file.seek(0)
    for node in ast.walk(ast.parse(file.read())):
        if isinstance(node, ast.FunctionDef) and _is_command(node) and (text := ast.get_docstring(node)):
            yield node.lineno, "_", text, []


def _is_command(function: ast.FunctionDef) -> bool:
    """Whether a function has a decorator ``….command(…)``."""
    called = [decorator.func for decorator in function.decorator_list if isinstance(decorator, ast.Call)]
    return any(isinstance(one, ast.Attribute) and one.attr == "command" for one in called)
