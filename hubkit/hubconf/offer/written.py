"""Literals written as formatters write them."""

from __future__ import annotations

import ast

# Longer ones are tables, and no defaults that somebody wants to read.
_MAX_LENGTH = 60


def write_literal(source: str) -> str:
    """The source of a literal, normalised; "" for what is none.

    Args:
        source: Source of an expression.
    """
    try:
        node = ast.parse(source.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    return write_expression(node) or ""


def write_expression(node: ast.expr) -> str | None:
    """The source of a literal expression; None for any other, and for a long one."""
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        # 512 * 4 is no literal, and as good as one.
        return _product(node)
    return _value(value)


def _value(value: object) -> str | None:
    text = repr(value)
    if isinstance(value, str):
        plain = '"' not in text and "\\" not in text
        text = f'"{text[1:-1]}"' if text.startswith("'") and plain else text
    elif isinstance(value, list | tuple):
        parts = [_value(part) for part in value]
        if None in parts:
            return None
        inner = ", ".join(str(part) for part in parts)
        comma = "," if isinstance(value, tuple) and len(value) == 1 else ""
        text = f"[{inner}]" if isinstance(value, list) else f"({inner}{comma})"
    elif value is not None and not isinstance(value, bool | int | float):
        return None
    elif isinstance(value, float) and not text.lstrip("-")[:1].isdigit():
        return None  # inf and nan are no literals
    return text if len(text) <= _MAX_LENGTH else None


def _product(node: ast.expr) -> str | None:
    match node:
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            first, second = write_expression(left), write_expression(right)
            if first and second and first.isdigit() and second.isdigit():
                return str(int(first) * int(second)) if len(first + second) < 12 else None
    return None
