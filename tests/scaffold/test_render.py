from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hubkit.errors import TemplateError
from hubkit.scaffold import Answers, Template, render_template
from hubkit.scaffold.render import require_safe_path
from hubkit.scaffold.templates import TemplateFile
from tests.scaffold.conftest import FOUND

if TYPE_CHECKING:
    from tests.scaffold.conftest import MakeTemplate


def render(template: Template, **answers: str | bool) -> dict[str, str]:
    given: Answers = dict(answers)
    return {file.path: file.content.decode() for file in render_template(template, given, FOUND)}


def test_paths_and_texts_are_rendered_and_other_files_copied(make_template: MakeTemplate) -> None:
    template = make_template(
        **{
            "{{module}}/net.py.jinja": "{% if big %}\nBIG = {{ name | quoted }}\n{% endif %}\n",
            "raw/{{module}}.txt": "{{ untouched }}\n",
            ".hidden": "",
        }
    )
    assert render(template, module="shapes", big=True, name='a "b"') == {
        "shapes/net.py": 'BIG = "a \\"b\\""\n',
        "raw/shapes.txt": "{{ untouched }}\n",
        ".hidden": "",
    }


def test_includes_come_from_the_template_and_are_not_made(make_template: MakeTemplate) -> None:
    template = make_template(
        **{"_include/head.jinja": "by {{ name }}", "a.jinja": '{% include "_include/head.jinja" %}'}
    )
    assert render(template, name="Ada") == {"a": "by Ada"}


def test_a_file_is_made_when_its_condition_holds(make_template: MakeTemplate) -> None:
    template = make_template("[when]\n'a.txt' = 'docs and found.year > 2000'", **{"a.txt": "x"})
    assert render(template, docs=True) == {"a.txt": "x"}
    assert render(template, docs=False) == {}


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("{{ nobody }}", "Cannot render a.jinja, line 1: 'nobody' is undefined"),
        ("{{ name.nobody }}", "has no attribute 'nobody'"),
        ("one\n{% if %}", "a.jinja, line 2: "),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ name | nobody }}", "No filter named 'nobody'"),
        ('{% include "../template.toml" %}', "which is not a file of the template"),
        ('{% include "/etc/hostname" %}', "which is not a file of the template"),
        ('{% include "template.toml" %}', "which is not a file of the template"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "recursion"),
    ],
)
def test_a_template_that_does_not_render_is_reported_with_its_place(
    make_template: MakeTemplate, source: str, why: str
) -> None:
    with pytest.raises(TemplateError, match=why):
        render(make_template(**{"a.jinja": source}), name="Ada")


@pytest.mark.parametrize(
    ("manifest", "files", "why"),
    [
        (
            "",
            {
                "_include/x.jinja": "one\ntwo {{ nobody }}",
                "a.jinja": "{% include '_include/x.jinja' %}",
            },
            r"Cannot render _include/x\.jinja, line 2: ",
        ),
        ("[when]\n'a.txt' = 'docs'", {"a.txt": ""}, r"Cannot render when of a\.txt, line 1: "),
        ("[when]\n'a.txt' = 'docs and'", {"a.txt": ""}, r"when of a\.txt, line 1: "),
        ("", {"{{x}}.jinja": ""}, r"Cannot render \{\{x\}\}\.jinja, line 1: 'x' is undefined"),
        ("", {"a.jinja": "\n\n{{ found.nobody }}"}, r"Cannot render a\.jinja, line 3: "),
    ],
)
def test_errors_have_the_place_where_they_come_up(
    make_template: MakeTemplate, manifest: str, files: dict[str, str], why: str
) -> None:
    with pytest.raises(TemplateError, match=why):
        render(make_template(manifest, **files))


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ found.__class__.__init__.__globals__ }}",
        "{{ answers.update(name='x') }}",
        "{{ ('%s' | attr('format'))() }}{{ cycler.__init__.__globals__.os.system('true') }}",
        "{% for i in range(10000000) %}{% endfor %}",
    ],
)
def test_templates_are_kept_in_the_sandbox(make_template: MakeTemplate, source: str) -> None:
    with pytest.raises(TemplateError):
        render(make_template(**{"a.jinja": source}), name="Ada")


def test_a_file_that_is_not_text_is_copied_but_cannot_be_a_template() -> None:
    data = b"\xff\x00"
    assert render_template(_template(TemplateFile("a.bin", data)), {}, FOUND)[0].content == data
    with pytest.raises(TemplateError, match=r"Cannot render a\.jinja: .*utf-8"):
        render_template(_template(TemplateFile("a.jinja", data)), {}, FOUND)


def _template(*files: TemplateFile) -> Template:
    return Template("test", "", (), (), files)


def test_two_files_for_one_place_are_refused(make_template: MakeTemplate) -> None:
    template = make_template(**{"{{module}}.py": "", "{{name}}.py": ""})
    with pytest.raises(TemplateError, match=r"creates shapes\.py twice"):
        render(template, module="shapes", name="shapes")


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd",
        "../up",
        "a/../../up",
        "a//b",
        "./a",
        "a/",
        "C:/x",
        "a\\b",
        "a\nb",
        "a\0b",
        ".git/hooks/pre-commit",
        "sub/.GIT/config",
        "a/.. /b",
        "name.",
    ],
)
def test_paths_that_leave_the_target_are_refused(path: str, make_template: MakeTemplate) -> None:
    with pytest.raises(TemplateError, match="cannot write to"):
        require_safe_path(path)
    with pytest.raises(TemplateError, match="cannot write to"):
        render(make_template(**{"{{where}}.jinja": ""}), where=path)


@pytest.mark.parametrize("path", ["a", ".gitignore", ".github/workflows/hub.yml", "a b/ü.py"])
def test_paths_that_stay_are_fine(path: str) -> None:
    assert require_safe_path(path) == path
