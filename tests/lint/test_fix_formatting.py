"""Fixes of code that is written in every way that one can write it."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lint.fixing import find, plan

BEFORE = st.sampled_from(
    ["", "é = '日本'; ", "s = '''日\n\t'''; ", "# ü\n", "x = 1; \\\n    y = 2\n"]
)
ENDS = st.sampled_from(["\n", "\r\n"])
GAP = st.sampled_from(["", " ", "\n        ", "  # é, ) ]\n        ", "\\\n  ", "\t", "\x0c"])
QUOTE = st.sampled_from("'\"")
examples = settings(max_examples=25)


has_scopes = pytest.mark.skipif(
    sys.version_info >= (3, 12),
    reason="symtable takes names of comprehensions for those of the scope around them",
)


def fixed(text: str, code: str, end: str) -> str | None:
    """A hubconf with one rule's fixes made, with line ends as before; None without fixes."""
    data = text.replace("\n", end).encode()
    with TemporaryDirectory() as folder:
        repo = Path(folder)
        (repo / "hubconf.py").write_bytes(data)
        outcome = plan(repo, code)
        assert not outcome.failed
        if not outcome.changes:
            return None
        (repo / "hubconf.py").write_bytes(outcome.changes["hubconf.py"].after)
        assert not find(repo, code).findings
        assert not plan(repo, code).changes
        after = outcome.changes["hubconf.py"].after.decode()
    assert after.count("\r\n") == (after.count("\n") if end == "\r\n" else 0)
    return after.replace("\r\n", "\n")


@st.composite
def sequences(draw: st.DrawFn, items: list[str]) -> str:
    """Items between commas, with anything between that may stand there."""
    parts = [draw(GAP)]
    for index, item in enumerate(items):
        parts.append(item + draw(GAP))
        if index + 1 < len(items) or draw(st.booleans()):
            parts.append("," + draw(GAP))
    return "".join(parts)


@st.composite
def calls(draw: st.DrawFn) -> tuple[str, str, str]:
    """A hubconf in three parts, of which the second is a call that downloads weights."""
    quote = draw(QUOTE)
    url = f"{quote}https://example.org/né-0123abcd.pth{quote}"
    first = draw(st.sampled_from([url, f"({url})", f"url={url}", f"str({url},)", f"[{url}][0]"]))
    more = draw(st.sampled_from([[], ["progress=(True, 1)"], ["model_dir=None", "progress=False"]]))
    call = f"_torch.hub.load_state_dict_from_url({draw(sequences([first, *more]))})"
    head = "import torch as _torch\ndef net():\n    '''é'''\n    é = "
    wrap = draw(st.sampled_from([("", ""), ("dict(", ")"), ("[1, (", ", 2)]"), ('f"é{', '}"')]))
    if wrap[0].startswith("f") and ("\n" in call or '"' in call or "#" in call or "\\" in call):
        wrap = ("", "")
    tail = "\n    return [é]  # ende\n"
    return draw(BEFORE) + head + wrap[0], call, wrap[1] + tail


@has_scopes
@examples
@given(
    calls(),
    ENDS,
    st.sampled_from([("HUB504", "map_location", "cpu"), ("HUB505", "weights_only", True)]),
)
def test_an_argument_is_added_to_a_call(
    parts: tuple[str, str, str], end: str, wanted: tuple[str, str, object]
) -> None:
    code, name, value = wanted
    before, call, behind = parts
    try:
        ast.parse(before + call + behind)
    except SyntaxError:
        return
    after = fixed(before + call + behind, code, end)
    assert after is not None
    assert after.startswith(before)
    assert after.endswith(behind)
    new = after[len(before) : len(after) - len(behind)]
    old_call, new_call = (ast.parse(text, mode="eval").body for text in (call, new))
    assert isinstance(old_call, ast.Call)
    assert isinstance(new_call, ast.Call)
    added = new_call.keywords.pop()
    assert (added.arg, ast.literal_eval(added.value)) == (name, value)
    assert ast.dump(old_call) == ast.dump(new_call)
    assert_kept(call, new)


@examples
@given(st.data(), ENDS, QUOTE, st.sampled_from(["[]", "()", "{}"]))
def test_entries_are_added_to_a_list(data: st.DataObject, end: str, quote: str, pair: str) -> None:
    names = data.draw(st.lists(st.sampled_from(["torch", "yaml", "PIL"]), unique=True))
    if not names and pair == "{}":
        return
    items = data.draw(sequences([f"{quote}{name}{quote}" for name in names]))
    if pair == "()" and (len(names) == 1 and "," not in items.partition("#")[0]):
        return
    text = f"dependencies = {pair[0]}{items}{pair[1]}\nimport timm as _t\nimport einops as _e\n"
    try:
        value = ast.parse(text).body[0].value  # type: ignore[attr-defined]
    except SyntaxError:
        return
    if len(names) != len(value.elts):
        return
    after = fixed(text, "HUB105", end)
    if after is None:
        assert not names
        assert "#" in text
        return
    elements = ast.literal_eval(ast.parse(after).body[0].value)  # type: ignore[attr-defined]
    assert list(elements)[: len(names)] == names or isinstance(elements, set)
    assert set(elements) == {*names, "timm", "einops"}
    if names:  # White space between empty brackets goes.
        assert_kept(text, after)


@examples
@given(st.data(), ENDS)
def test_entries_are_taken_from_a_list(data: st.DataObject, end: str) -> None:
    names = data.draw(
        st.lists(st.sampled_from(["torch", "yaml", "math", "os", "re"]), unique=True, min_size=1)
    )
    items = data.draw(sequences([f'"{name}"' for name in names]))
    text = f"dependencies = [{items}]  # é\nx = 1\n"
    try:
        ast.parse(text)
    except SyntaxError:
        return
    after = fixed(text, "HUB107", end)
    wanted = [name for name in names if name in ("torch", "yaml")]
    if after is None:
        assert wanted == names
        return
    assert ast.literal_eval(ast.parse(after).body[0].value) == wanted  # type: ignore[attr-defined]
    assert after.endswith("\nx = 1\n")


USES = [
    "Path()",
    "[Path for x in Path(y for y in [Path])]",
    "[Path for Path in range(3)]",
    "(lambda Path: Path)(Path)",
    "(lambda x=Path: x + Path)",
    "x.Path + Path.Path",
    "f(Path=Path)",
    'f"é{Path}"',
    '"Path"',
    "{Path: 1 for x in 'é'}",
    "(z := Path)",
]
STATEMENTS = [
    "é = {0}; é = {1}",
    "def g(a: Path = {0}) -> 'list[Path]':\n        Path = 1\n        return Path",
    "def g(a: \"Path\"):\n        return {0}, 'é', {1}",
    "class G(Path, x={0}):\n        y: 'é.Path | Path' = {1}\n        def m(self, Path): return Path",
    "for Pathe in {0}: {1}",
    "try:\n        import nothing\n    except ({0}): {1}",
    "import os.path as Pathe, re; {0}",
    "@{0}\n    def g(): return {1}",
]


@has_scopes
@examples
@given(st.data(), ENDS, BEFORE)
def test_a_name_is_renamed_wherever_it_is_meant(data: st.DataObject, end: str, before: str) -> None:
    lines = [
        data.draw(st.sampled_from(STATEMENTS)).format(
            data.draw(st.sampled_from(USES)), data.draw(st.sampled_from(USES))
        )
        for _ in range(data.draw(st.integers(1, 3)))
    ]
    imported = data.draw(
        st.sampled_from(
            [
                "from pathlib import Path",
                "from pathlib import (PurePath as _P,  # é\n    Path,)",
                "from pathlib import PurePath as Path",
                "try:\n    from pathlib import Path\nexcept ImportError:\n    from os import Path",
            ]
        )
    )
    text = f"{before}{imported}\nif 1:\n    " + "\n    ".join(lines) + "\n"
    try:
        ast.parse(text)
    except SyntaxError:
        return
    after = fixed(text, "HUB201", end)
    assert after is not None
    assert meant_globals(text, "Path") == meant_globals(after, "_Path")
    assert "Path" not in global_names(after)
    shortened = ast.dump(ast.parse(after.replace("_Path", "Path").replace(" as Path", "")))
    assert shortened == ast.dump(ast.parse(text.replace(" as Path", "")))


def meant_globals(text: str, name: str) -> int:
    return sum(name in names for names in scopes(text))


def global_names(text: str) -> set[str]:
    return set().union(*scopes(text))


def scopes(text: str) -> list[set[str]]:
    """Names that each scope of a module takes from the module, as Python's compiler says."""
    import symtable

    found: list[set[str]] = []
    pending = [symtable.symtable(text, "hubconf.py", "exec")]
    while pending:
        table = pending.pop()
        is_module = table.get_type() == "module"
        found.append(
            {
                one.get_name()
                for one in table.get_symbols()
                if (one.is_global() or is_module) and not (is_module and not one.is_assigned())
            }
        )
        pending += table.get_children()
    return found


def assert_kept(before: str, after: str) -> None:
    """Nothing but insertions was made."""
    rest = iter(after)
    assert all(letter in rest for letter in before)


def test_an_empty_tuple_stays_a_tuple(tmp_path: Path) -> None:
    (tmp_path / "hubconf.py").write_text("dependencies = ()\nimport timm as _timm\n")
    (change,) = plan(tmp_path, "HUB105").changes.values()
    assert change.after.startswith(b'dependencies = ("timm",)\n')


@pytest.mark.parametrize(
    "arguments", ["url, **options", "*args", "*args, **options", "url, None, **{'progress': 1}"]
)
def test_what_may_be_passed_already_is_not_passed_twice(arguments: str, tmp_path: Path) -> None:
    (tmp_path / "hubconf.py").write_text(
        "import torch as _torch\n"
        f"def net(*args, url='', **options): _torch.hub.load_state_dict_from_url({arguments})\n"
    )
    for code in ("HUB501", "HUB504", "HUB505"):
        assert not plan(tmp_path, code).changes
