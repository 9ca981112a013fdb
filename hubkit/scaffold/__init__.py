"""MAKE: templates, the answers that they need, and writing what they render.

``catalog`` reads templates, ``discover`` reads what the target already tells, ``answers`` settles
the questions, ``render`` makes files in memory, ``write`` puts them in place. Nothing here runs
code of a template, and nothing is written outside the target.
"""

from hubkit.scaffold.answers import (
    Answers,
    require_answer,
    require_known,
    resolve_answers,
    suggest_answer,
)
from hubkit.scaffold.catalog import (
    DEFAULT,
    MINIMAL,
    Question,
    Template,
    read_template,
    read_templates,
    template_root,
)
from hubkit.scaffold.discover import UNKNOWN_OWNER, Discovery, read_discovery
from hubkit.scaffold.git import read_git, read_work_tree, write_git_repo
from hubkit.scaffold.render import RenderedFile, render_template, render_text
from hubkit.scaffold.write import Outcome, compare_files, write_files

__all__ = [
    "DEFAULT",
    "MINIMAL",
    "UNKNOWN_OWNER",
    "Answers",
    "Discovery",
    "Outcome",
    "Question",
    "RenderedFile",
    "Template",
    "compare_files",
    "read_discovery",
    "read_git",
    "read_template",
    "read_templates",
    "read_work_tree",
    "render_template",
    "render_text",
    "require_answer",
    "require_known",
    "resolve_answers",
    "suggest_answer",
    "template_root",
    "write_files",
    "write_git_repo",
]
