from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hubkit.errors import TemplateError
from hubkit.scaffold import DEFAULT, EXISTING, MINIMAL, read_template, read_templates, template_root
from tests.scaffold.conftest import write_tree

if TYPE_CHECKING:
    from pathlib import Path

    from tests.scaffold.conftest import MakeTemplate


def test_own_templates_are_found_the_default_first() -> None:
    names = [template.name for template in read_templates()]
    folders = [path.parent.name for path in template_root().glob("*/template.toml")]
    others = sorted(name for name in folders if not name.startswith("_") and name != DEFAULT)
    assert names == [DEFAULT, *others]
    assert {EXISTING, MINIMAL} <= set(others)


def test_every_own_template_says_what_it_is_and_asks_with_defaults() -> None:
    for template in read_templates():
        assert template.description
        assert template.next_steps
        for question in template.questions:
            assert bool(question.text) != bool(question.help), question.name
            assert question.default, question.name


def test_a_folder_of_the_users_is_a_template(make_template: MakeTemplate) -> None:
    template = make_template(
        'description = "Mine."\nnext = ["run it"]\n[questions.size]\nask = "Size"\n'
        'kind = "choice"\nchoices = ["s", "m"]\ndefault = "s"\n',
        **{"a/b.txt": "text"},
    )
    assert (template.name, template.description, template.next_steps) == (
        "template",
        "Mine.",
        ("run it",),
    )
    assert template.questions[0].choices == ("s", "m")
    assert [file.path for file in template.files] == ["a/b.txt"]


def test_a_base_template_is_not_a_template_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "_common" not in [template.name for template in read_templates()]
    with pytest.raises(TemplateError, match="Template not found: '_common'"):
        read_template("_common")


def test_a_template_extends_others_and_its_own_come_first(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            "base/template.toml": '[questions.a]\ndefault = "1"\n[questions.b]\ndefault = "1"\n',
            "base/x.txt": "base",
            "base/y.txt": "base",
            "mine/template.toml": 'extends = ["base", "minimal"]\nyours = ["y.txt"]\n'
            '[questions.b]\ndefault = "2"\n',
            "mine/y.txt": "mine",
            "over/template.toml": 'extends = ["mine"]\n',
        },
    )
    template = read_template(str(tmp_path / "mine"))
    assert [(one.name, one.default) for one in template.questions[:2]] == [("b", "2"), ("a", "1")]
    files = {file.path: (file.content, file.is_yours) for file in template.files}
    assert files["x.txt"] == (b"base", False)
    assert files["y.txt"] == (b"mine", True)
    assert "hubconf.py.jinja" in files
    over = read_template(str(tmp_path / "over"))
    assert {file.path for file in over.files} == {*files}
    assert [one.name for one in over.questions] == [one.name for one in template.questions]


def test_templates_that_extend_one_another_are_refused(tmp_path: Path) -> None:
    manifests = {"one": 'extends = ["two"]\n', "two": 'extends = ["one"]\n'}
    write_tree(tmp_path, {f"{name}/template.toml": text for name, text in manifests.items()})
    with pytest.raises(TemplateError, match="extends 'one', which extends it") as caught:
        read_template(str(tmp_path / "one"))
    assert str(tmp_path / "two" / "template.toml") in str(caught.value)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(TemplateError, match="Template not found: 'classifer'") as caught:
        read_template("classifer")
    assert ", ".join(sorted(one.name for one in read_templates())) in caught.value.hint


@pytest.mark.parametrize("name", [".", "..", "../templates", ""])
def test_a_folder_without_a_manifest_is_not_a_template(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TemplateError):
        read_template(name)


@pytest.mark.parametrize(
    ("manifest", "why"),
    [
        ("description = 1", "description is 1, not a string"),
        ("next = 'x'", "not a list of strings"),
        ("questions = 1", "questions is not a table"),
        ("[questions]\nx = 1", "questions.x is not a table"),
        ("[questions.template]\nask = 'x'", "valid name"),
        ("[questions.x]\nhint = 'x'", "unknown keys: hint"),
        ("descripton = 'x'", "unknown keys: descripton"),
        ("extends = ['nowhere']", "extends 'nowhere', which is not a template in the same folder"),
        ("extends = ['../minimal']", "extends '../minimal', which"),
        ("yours = ['x.jinja']", "`yours` lists 'x.jinja', which is not a file"),
        ("[questions.x]\nkind = 'number'", "kind is 'number'. Use `line`, `identifier`, "),
        ("[questions.x]\nkind = 'choice'", "`choices` is required"),
        ("[questions.x]\nchoices = ['a']", "`choices` is required for the kind 'choice'"),
        ("[when]\n'x.jinja' = 'true'", "not a file of the template"),
        ("[", "Cannot read "),
    ],
)
def test_a_bad_manifest_is_refused_by_name(
    make_template: MakeTemplate, manifest: str, why: str
) -> None:
    with pytest.raises(TemplateError, match=why) as caught:
        make_template(manifest)
    assert "template.toml" in str(caught.value)


def test_a_link_that_leaves_the_template_is_refused(tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "template", {"template.toml": ""})
    write_tree(tmp_path, {"secret.txt": "secret"})
    (folder / "leak.txt").symlink_to("../secret.txt")
    with pytest.raises(TemplateError, match=r"leak\.txt is a link to a file outside"):
        read_template(str(folder))


def test_a_linked_folder_outside_is_refused_or_not_followed(tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "template", {"template.toml": ""})
    write_tree(tmp_path / "outside", {"secret.txt": "secret"})
    (folder / "leak").symlink_to("../outside")
    with pytest.raises(TemplateError, match="leak is a link"):
        read_template(str(folder))
