"""Edits of names and of the imports that bind them."""

from __future__ import annotations

import ast
import re
import unicodedata
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from msgspec import Struct, field

from hubkit.analysis.syntax import first_line
from hubkit.rules.edits.source import FunctionNode, NamedNode, is_plain_string

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from hubkit.facts import Edit
    from hubkit.rules.edits.source import Source


Scoped = FunctionNode | ast.Lambda
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class Occurrences(Struct):
    """All occurrences of a top-level name of a module.

    Attributes:
        name: The name.
        lines: Lines that contain it; other statements are skipped.
        names: Places that read, assign or delete it.
        aliases: Import aliases that bind it.
        definitions: Functions and classes with that name.
        annotations: Strings in annotations, which may contain it.
        strings: Other strings that are equal to it.
        exports: The strings that are in ``__all__``.
        doubtful: Whether it is bound in a way that is not supported, such as ``global``.
    """

    name: str
    lines: Sequence[int]
    names: list[ast.Name] = field(default_factory=list)
    aliases: list[ast.alias] = field(default_factory=list)
    definitions: list[ast.AST] = field(default_factory=list)
    annotations: list[ast.Constant] = field(default_factory=list)
    strings: list[ast.Constant] = field(default_factory=list)
    exports: list[ast.Constant] = field(default_factory=list)
    doubtful: bool = False

    def visit(self, nodes: Iterable[ast.AST | None], *, quoted: bool = False) -> None:
        """Visit nodes of a scope that does not rebind the name."""
        for node in nodes:
            if node is not None and not (isinstance(node, ast.stmt) and self._lacks_name(node)):
                self._visit(node, quoted=quoted)

    def _lacks_name(self, node: ast.stmt) -> bool:
        first, last = first_line(node), node.end_lineno or node.lineno
        return bisect_left(self.lines, first) == bisect_right(self.lines, last)

    def _visit(self, node: ast.AST, *, quoted: bool) -> None:  # noqa: C901 - a case a node type
        match node:
            case ast.Name(id=self.name):
                self.names.append(node)
            case ast.Constant(value=str(text)):
                self._string(node, text, quoted=quoted)
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                self.aliases += [one for one in aliases if bound_by(one) == self.name]
            case (
                ast.ExceptHandler(name=self.name)
                | ast.MatchAs(name=self.name)
                | ast.MatchStar(name=self.name)
                | ast.MatchMapping(rest=self.name)
            ):
                self.doubtful = True
            case ast.Assign(targets=[ast.Name(id="__all__")], value=value):
                self.exports += self._spelled(value)
                self.visit(ast.iter_child_nodes(node))
            case ast.JoinedStr(values=values):
                # f"{name=}" shows the name.
                self.doubtful |= any(_shows(part, self.name) for part in values)
                self.visit(values)
            case ast.Subscript(value=value, slice=index) if _last_part(value) == "Literal":
                self.visit([value, index])
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                self._function(node)
            case ast.ClassDef():
                self._class(node)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                self._comprehension(node)
            case ast.AnnAssign(target=target, annotation=annotation, value=value):
                self.visit([target, value])
                self.visit([annotation], quoted=True)
            case _:
                self.visit(ast.iter_child_nodes(node), quoted=quoted)

    def _string(self, node: ast.Constant, text: str, *, quoted: bool) -> None:
        if quoted and self.name in text:
            self.annotations.append(node)
        elif text == self.name:
            self.strings.append(node)

    def _spelled(self, node: ast.AST) -> list[ast.Constant]:
        return [
            part
            for part in ast.walk(node)
            if isinstance(part, ast.Constant) and part.value == self.name
        ]

    def _function(self, node: Scoped) -> None:
        arguments = node.args
        self.visit([*arguments.defaults, *arguments.kw_defaults])
        body: list[ast.AST] = [node.body] if isinstance(node, ast.Lambda) else list(node.body)
        if not isinstance(node, ast.Lambda):
            self._named(node)
            annotated = [*_parameters(arguments)]
            self.visit([one.annotation for one in annotated] + [node.returns], quoted=True)
        bound = _bindings(body) | {one.arg for one in _parameters(arguments)}
        if self.name not in bound:
            self.visit(body)

    def _class(self, node: ast.ClassDef) -> None:
        self._named(node)
        self.visit([*node.bases, *(keyword.value for keyword in node.keywords)])
        # A name that a class binds shadows that of the module in its body, once it is bound.
        self.doubtful |= self.name in _bindings(node.body)
        self.visit(node.body)

    def _named(self, node: NamedNode) -> None:
        self.visit(node.decorator_list)
        # Type parameters (Python 3.12) have their own scope, which is not supported.
        self.doubtful |= any(
            getattr(one, "name", "") == self.name for one in getattr(node, "type_params", ())
        )
        if node.name == self.name:
            self.definitions.append(node)

    def _comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
    ) -> None:
        first = node.generators[0]
        self.visit([first.iter])
        targets = {
            part.id
            for one in node.generators
            for part in ast.walk(one.target)
            if isinstance(part, ast.Name)
        }
        if self.name in targets:
            return
        inner = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        self.visit(inner)
        for one in node.generators:
            self.visit([one.target, *one.ifs] + ([] if one is first else [one.iter]))


def find_occurrences(source: Source, name: str) -> Occurrences:
    """Find all occurrences of a top-level name of a module."""
    text = source.text
    # Python normalizes names: different characters can mean the same name.
    text = text if text.isascii() else unicodedata.normalize("NFKC", text)
    lines = [number for number, line in enumerate(text.split("\n"), 1) if name in line]
    found = Occurrences(name, lines)
    try:
        found.visit(source.tree.body)
    except RecursionError:
        found.doubtful = True  # the code is nested too deeply
    found.doubtful |= any(
        isinstance(node, ast.Global) and name in node.names
        for nodes in source.by_line.values()
        for node in nodes
    )
    return found


def is_taken(source: Source, node: ast.stmt, name: str) -> bool:
    """Whether the name that an import in a function binds is used for anything else."""
    around = [
        one
        for nodes in source.by_line.values()
        for one in nodes
        if isinstance(one, FunctionNode) and first_line(one) < node.lineno <= (one.end_lineno or 0)
    ]
    innermost = max(around, key=lambda one: one.lineno)
    found = find_occurrences(source, name)
    means = found.doubtful or found.names or found.aliases or found.definitions
    return bool(means) or name == "*" or name in _bindings(innermost.body, without=node)


def _shows(part: ast.expr, name: str) -> bool:
    text = part.value if isinstance(part, ast.Constant) else ""
    return isinstance(text, str) and name in text and text.rstrip().endswith("=")


def bound_by(alias: ast.alias) -> str:
    """The name that an import alias binds."""
    return alias.asname or alias.name.partition(".")[0]


def _last_part(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "").lstrip("_")


def _parameters(arguments: ast.arguments) -> list[ast.arg]:
    listed = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return listed + [extra for extra in (arguments.vararg, arguments.kwarg) if extra]


def _bindings(body: Iterable[ast.AST], without: ast.AST | None = None) -> set[str]:
    """Names that a scope binds, without those that one node binds."""
    bound: set[str] = set()
    pending = list(body)
    while pending:
        node = pending.pop()
        if node is without:
            continue
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                bound.add(name)
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                bound |= {bound_by(alias) for alias in aliases}
            case ast.Nonlocal(names=names):
                bound |= set(names)
            case (
                ast.ExceptHandler(name=str(name))
                | ast.MatchAs(name=str(name))
                | ast.MatchStar(name=str(name))
                | ast.MatchMapping(rest=str(name))
            ):
                bound.add(name)
        if isinstance(node, NamedNode):
            bound.add(node.name)
        elif isinstance(node, _COMPREHENSIONS):
            # Only names that := binds belong to the enclosing scope.
            bound |= {one.target.id for one in ast.walk(node) if isinstance(one, ast.NamedExpr)}
        elif not isinstance(node, ast.Lambda):
            pending += ast.iter_child_nodes(node)
    return bound


def code_start(source: Source) -> int | None:
    """The line of the first statement after the docstring and ``__future__`` imports.

    Comments above it belong to it, except at the top of the file. None if the statement shares its
    line with the previous one.
    """
    body = source.tree.body
    index = 0
    if body and _is_docstring(body[0]):
        index = 1
    while index < len(body) and _is_future(body[index]):
        index += 1
    if index == len(body):
        return None
    line = first_line(body[index])
    last = body[index - 1].end_lineno or 0 if index else 0
    if line <= last or source.lines[line - 1][: source.start(body[index])[1] - 1].strip():
        return None
    above = line
    while above - 1 > last and source.lines[above - 2].lstrip().startswith("#"):
        above -= 1
    return line if above == 1 else above


def insert_import(source: Source, text: str) -> Edit | None:
    """Add an import below those at the top of a module."""
    top = [one for one in source.tree.body if isinstance(one, ast.Import | ast.ImportFrom)]
    if not top:
        line = code_start(source)
        return source.insert((line, 1), f"{text}\n\n") if line else None
    # Imports between other statements may depend on them.
    last = top[0]
    for statement in source.tree.body[source.tree.body.index(top[0]) :]:
        if not isinstance(statement, ast.Import | ast.ImportFrom):
            break
        last = statement
    line = last.end_lineno or last.lineno
    shares = any(one is not last and one.lineno == line for one in source.tree.body)
    if shares or line >= len(source.lines):
        return None
    return source.insert((line + 1, 1), f"{text}\n")


def use_module(source: Source, module: str) -> tuple[str, tuple[Edit, ...]] | None:
    """The name of an imported module in a file, and an edit that imports it if necessary."""
    for statement in source.tree.body:
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                if alias.name == module:
                    return alias.asname or alias.name, ()
    name = f"_{module}"
    edit = insert_import(source, f"import {module} as {name}") if is_free(source, name) else None
    return (name, (edit,)) if edit else None


def use_name(source: Source, module: str, name: str) -> tuple[str, tuple[Edit, ...]] | None:
    """What a name of a module is called in a file, and an edit that imports it if necessary."""
    for statement in source.tree.body:
        if isinstance(statement, ast.ImportFrom) and statement.module == module:
            for alias in statement.names:
                if alias.name == name and not statement.level:
                    return alias.asname or alias.name, ()
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                if alias.name == module:
                    return f"{alias.asname or alias.name}.{name}", ()
    hidden = f"_{name}"
    text = f"from {module} import {name} as {hidden}"
    edit = insert_import(source, text) if is_free(source, hidden) else None
    return (hidden, (edit,)) if edit else None


def hoist_import(source: Source, node: ast.stmt) -> tuple[Edit, Edit] | None:
    """Move an import from a function to the top of its module."""
    line = node.lineno
    if node.end_lineno != line or not source.is_alone(node) or not _has_siblings(source, node):
        return None
    names = node.names if isinstance(node, ast.Import | ast.ImportFrom) else []
    if not names or any(is_taken(source, node, bound_by(alias)) for alias in names):
        return None
    # A comment after it is moved too.
    inserted = insert_import(source, source.lines[line - 1].strip())
    # A blank line below is removed if there is none above.
    above, below = source.lines[line - 2].strip(), source.lines[line].strip()
    last = line + 1 if not below and (not above or above.endswith(":")) else line
    return (inserted, source.delete_lines(line, last)) if inserted else None


def is_free(source: Source, name: str) -> bool:
    """Whether a file does not contain a name."""
    # Most files do not contain it, and the regular expression is slow.
    text = source.text
    return name not in text or not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text)


def make_absolute(source: Source, node: ast.ImportFrom) -> tuple[Edit, list[str]] | None:
    """Make a relative import absolute; also returns the imported modules."""
    start = source.start(node)
    found = re.match(r"from(\s*)\.(\s*)", source.segment(node))
    if found is None or node.level != 1:
        return None
    line, column = start
    if "\n" in found[0]:
        return None
    if node.module:
        end = line, column + found.end()
        return source.replace(start, end, "from "), [node.module]
    if any(alias.name == "*" for alias in node.names):
        return None
    names = ", ".join(
        f"{alias.name} as {alias.asname}" if alias.asname else alias.name for alias in node.names
    )
    if "#" in source.segment(node):
        return None
    return source.replace_node(node, f"import {names}"), [alias.name for alias in node.names]


def _has_siblings(source: Source, node: ast.stmt) -> bool:
    """Whether a statement is not the only one in its block."""
    for parent in ast.walk(source.tree):
        for block in ("body", "orelse", "finalbody"):
            body = getattr(parent, block, None)
            if isinstance(body, list) and node in body:
                return len(body) > 1
    return False


def _is_docstring(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


# With these, a string may be used as the name of a variable.
_LOOKUPS = re.compile(r"\b(?:globals|locals|vars|eval|exec|getattr|setattr|__dict__)\b")


class Renaming(Struct, frozen=True):
    """Edits that rename a name.

    Attributes:
        edits: The edits.
        is_import: Whether only imports bind it.
        is_exported: Whether it is in ``__all__``.
    """

    edits: tuple[Edit, ...]
    is_import: bool
    is_exported: bool


def hide_name(source: Source, name: str) -> Renaming | None:
    """Add a leading underscore to a top-level name of a module; None if that is not safe."""
    new = f"_{name}"
    if re.search(rf"#\s*type:.*(?<!\w){re.escape(name)}(?!\w)", source.text):
        return None
    found = find_occurrences(source, name)
    is_imported_so = any(alias.name == new for alias in found.aliases)
    if found.doubtful or not (is_imported_so or is_free(source, new)):
        return None
    others = [one for one in found.strings if one not in found.exports]
    if others and _LOOKUPS.search(source.text):
        return None
    if not (found.aliases or found.definitions or any(_is_store(one) for one in found.names)):
        return None
    edits = list(_rename_edits(source, found, new))
    if None in edits:
        return None
    is_import = not found.definitions and not any(_is_store(one) for one in found.names)
    return Renaming(tuple(edit for edit in edits if edit), is_import, bool(found.exports))


def _is_store(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)


def _rename_edits(source: Source, found: Occurrences, new: str) -> Iterator[Edit | None]:
    for name in found.names:
        # Before Python 3.12, positions in f-strings may be wrong.
        yield source.replace_node(name, new) if source.segment(name) == found.name else None
    for alias in found.aliases:
        yield _alias(source, alias, new)
    for node in found.definitions:
        yield _definition(source, node, found.name, new)
    for text in (*found.annotations, *found.exports):
        yield from _quoted(source, text, found.name, new)


def _alias(source: Source, alias: ast.alias, new: str) -> Edit | None:
    start, (line, column) = source.start(alias), source.end(alias)
    if alias.name == new:
        return source.replace(start, (line, column), new)
    if alias.asname is None:
        return source.insert((line, column), f" as {new}") if "." not in alias.name else None
    begin = line, column - len(alias.asname)
    if source.between(begin, (line, column)) != alias.asname:
        return None
    return source.replace(begin, (line, column), new)


def _definition(source: Source, node: ast.AST, name: str, new: str) -> Edit | None:
    line, column = source.start(node)
    pattern = re.compile(rf"(?:async\s+)?(?:def|class)\s+({re.escape(name)})\b")
    found = pattern.match(source.lines[line - 1], column - 1)
    if found is None:
        return None
    return source.replace((line, found.start(1) + 1), (line, found.end(1) + 1), new)


def _quoted(source: Source, node: ast.Constant, name: str, new: str) -> Iterator[Edit | None]:
    text = source.segment(node)
    if not is_plain_string(text):
        yield None
        return
    line, column = source.start(node)
    for found in re.finditer(rf"(?<![\w.]){re.escape(name)}\b", text):
        start, end = (line, column + found.start()), (line, column + found.end())
        yield source.replace(start, end, new)
