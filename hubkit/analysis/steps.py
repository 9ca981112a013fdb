"""What evaluating code does, remembered: the entrypoints of a repo share most of what they call."""

from __future__ import annotations

import ast
from dataclasses import field
from typing import TypeAlias

from hubkit.analysis.syntax import child_nodes, walk
from hubkit.records import dataclass

# A call, or a condition of which one side is evaluated.
Step: TypeAlias = ast.Call | ast.IfExp

_LATER = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True, slots=True)
class Steps:
    """What each node of a repo's syntax trees does, as far as it was asked for."""

    _made: dict[ast.AST, tuple[Step, ...]] = field(default_factory=dict)
    _stored: dict[ast.AST, tuple[str, ...]] = field(default_factory=dict)

    def made(self, node: ast.AST) -> tuple[Step, ...]:
        """The calls that evaluating what stands in a node is certain to make, inner ones first.

        Args:
            node: An expression, or a statement without its body.
        """
        if node not in self._made:
            self._made[node] = tuple(_steps(node))
        return self._made[node]

    def stored(self, node: ast.AST) -> tuple[str, ...]:
        """The variables that a statement assigns, with all that stands in it."""
        if node not in self._stored:
            names = (one for one in walk(node) if isinstance(one, ast.Name))
            self._stored[node] = tuple({one.id for one in names if isinstance(one.ctx, ast.Store)})
        return self._stored[node]


def _steps(node: ast.AST) -> list[Step]:
    if isinstance(node, ast.IfExp):
        return [node]
    if isinstance(node, _LATER):
        return []
    if isinstance(node, ast.BoolOp):
        return _steps(node.values[0])
    found: list[Step] = []
    for child in child_nodes(node):
        if isinstance(child, ast.expr | ast.keyword):
            found += _steps(child)
    if isinstance(node, ast.Call):
        found.append(node)
    return found
