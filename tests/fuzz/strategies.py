"""Hypothesis strategies for what strangers write: hubconfs, settings, docstrings, git trees."""

from __future__ import annotations

from hypothesis import strategies as st

NAMES = st.sampled_from(
    ["net", "_part", "torch", "sys", "os", "model", "größe", "pretrained", "kwargs", "hubconf", "a"]
)
MODULES = st.sampled_from(["torch", "net", "net.parts", "hubconf", "os.path", ".", "..net", "timm"])
TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["torch>=2", "timm", "https://x.org/a-0123abcd.pth", "{a}", "%s", "\\N{dash}"]),
)

EXPRESSIONS: st.SearchStrategy[str] = st.deferred(
    lambda: st.one_of(
        NAMES,
        TEXTS.map(repr),
        st.integers(-(10**30), 10**30).map(str),
        st.lists(EXPRESSIONS, max_size=3).map(lambda parts: f"[{', '.join(parts)}]"),
        st.tuples(EXPRESSIONS, st.sampled_from([" + ", " if a else ", " or ", " % "])).map(
            lambda pair: f"({pair[0]}{pair[1]}{pair[0]}{' else a' * (pair[1] == ' if a else ')})"
        ),
        st.tuples(NAMES, NAMES, EXPRESSIONS).map(lambda call: "{}.{}({})".format(*call)),
        st.tuples(NAMES, EXPRESSIONS).map(lambda call: f"{call[0]}(**{{'x': {call[1]}}})"),
        st.just("torch.hub.load_state_dict_from_url(f'https://x.org/{a}.pth', check_hash=True)"),
        st.just("(lambda *a, **k: (yield))"),
        st.just("{**globals(), **a}"),
    )
)

PARAMETERS = st.lists(
    st.sampled_from(
        ["pretrained=False", "a: 'int' = 1", "*", "*args", "**kwargs", "x", "/", "y=x"]
    ),
    max_size=4,
    unique=True,
).map(", ".join)

_SIMPLE = st.one_of(
    st.tuples(NAMES, EXPRESSIONS).map(" = ".join),
    EXPRESSIONS.map("dependencies = {}".format),
    EXPRESSIONS.map("__all__ = {}".format),
    EXPRESSIONS.map("globals()[a] = {}".format),
    MODULES.map(lambda module: f"from {module} import *"),
    st.tuples(MODULES, NAMES, NAMES).map(lambda parts: "from {} import {} as {}".format(*parts)),
    st.tuples(NAMES, NAMES).map(lambda parts: "import {} as {}".format(*parts)),
    EXPRESSIONS.map("return {}".format),
    EXPRESSIONS.map("raise {}".format),
    st.sampled_from(["pass", "del net", "global net", "# hubkit: ignore[HUB1] x", "'''Net.'''"]),
)


def _block(heads: st.SearchStrategy[str], body: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(heads, body).map(lambda pair: f"{pair[0]}\n{_indent(pair[1])}")


def _indent(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.split("\n"))


_HEADS = st.one_of(
    st.tuples(NAMES, PARAMETERS).map(lambda pair: "def {}({}):".format(*pair)),
    st.tuples(NAMES, PARAMETERS).map(lambda pair: "@a\nasync def {}({}):".format(*pair)),
    st.tuples(NAMES, EXPRESSIONS).map(lambda pair: "class {}({}):".format(*pair)),
    EXPRESSIONS.map("if {}:".format),
    EXPRESSIONS.map("while {}:".format),
    st.tuples(NAMES, EXPRESSIONS).map(lambda pair: "for {} in {}:".format(*pair)),
    EXPRESSIONS.map("with {} as (a, *b):".format),
    st.just("if __name__ == '__main__':"),
)


def _lines(statements: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(statements, min_size=1, max_size=4).map("\n".join)


def _tried(body: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(body, body).map(
        lambda pair: f"try:\n{_indent(pair[0])}\nexcept ImportError:\n{_indent(pair[1])}"
    )


SOURCES = st.recursive(
    _SIMPLE,
    lambda inner: st.one_of(_block(_HEADS, _lines(inner)), _tried(_lines(inner)), _lines(inner)),
    max_leaves=12,
)

_KEYS = st.sampled_from(
    ["select", "ignore", "extend-select", "fail-on", "preview", "baseline", "entrypoints", "expect"]
)
_VALUES = st.recursive(
    st.one_of(
        st.sampled_from(['"HUB105"', '"ALL"', "true", "1", "-1.5", "nan", "1979-05-27", '"never"']),
        st.text(st.characters(codec="utf-8", exclude_characters="'\n\r"), max_size=6).map(
            "'{}'".format
        ),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: f"[{', '.join(parts)}]"),
        st.tuples(_KEYS, inner).map(lambda pair: "{{{} = {}}}".format(*pair)),
    ),
    max_leaves=5,
)
_TABLES = st.sampled_from(
    ["[ignore]", "[tool.hubkit]", "[entrypoints.net]", '[entrypoints."a b".cases.x]', "[[ignore]]"]
)
CONFIGS = st.lists(
    st.one_of(
        st.tuples(_KEYS, _VALUES).map(" = ".join),
        st.tuples(_KEYS, _KEYS, _VALUES).map(lambda parts: "{}.{} = {}".format(*parts)),
        _TABLES,
    ),
    max_size=6,
).map("\n".join)

DOCSTRINGS = st.lists(
    st.tuples(
        st.sampled_from(["", " ", "    ", "\t", "        "]),
        st.one_of(
            st.sampled_from(
                [
                    "Args:",
                    "Parameters",
                    "----------",
                    "Returns:",
                    ":param a: b",
                    ":type a:",
                    "Raises:",
                ]
            ),
            st.sampled_from(
                ["a (int): b", "a : int, optional", "**kw: c", ">>> net(", "- a: b", ""]
            ),
            st.text(max_size=10),
        ),
    ).map("".join),
    max_size=10,
).map("\n".join)

# Names that git can store and some file system cannot, and what may stand under them.
TREE_NAMES = st.one_of(
    st.sampled_from(
        [b"hubconf.py", b"HUBCONF.PY", b"net", b"net.py", b"__init__.py", b".gitattributes"]
    ),
    st.sampled_from(
        [b"README.md", b"con", b"a\nb.py", b"\xff\xfe.py", b'"q".py', b" ", b"a" * 300]
    ),
    st.sampled_from([b".gitmodules", b"hubkit.toml", b"a:b", b"..\\x", b".git2", b"-x"]),
)
TREE_ENTRIES = st.one_of(
    SOURCES.map(lambda text: ("100644", text.encode("utf-8", "replace"))),
    st.sampled_from(
        [
            ("120000", b"hubconf.py"),
            ("120000", b"../../etc/passwd"),
            ("100755", b"\x00\xff" * 40),
            ("160000", b""),
            ("100644", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"),
            ("100644", b"*.py export-ignore\n* filter=lfs\n"),
        ]
    ),
)
TREES = st.recursive(
    st.dictionaries(TREE_NAMES, TREE_ENTRIES, max_size=5),
    lambda inner: st.dictionaries(TREE_NAMES, st.one_of(TREE_ENTRIES, inner), max_size=3),
    max_leaves=3,
)
