"""MAKE: templates, the answers that they need, and writing what they render.

``catalog`` reads templates; ``discover`` reads what the target already tells, its models included,
which ``proposals`` names and ranks; ``answers`` settles the questions; ``selection`` writes the
chosen entrypoints (``code``); ``render`` makes files in memory, ``write`` puts them in place.
Nothing here runs code of a template or of the target, and nothing is written outside the target.
"""

from hubkit.scaffold.answers import (
    Answers,
    is_asked,
    require_answer,
    require_known,
    resolve_answers,
    suggest_answer,
)
from hubkit.scaffold.catalog import (
    DEFAULT,
    EXISTING,
    MINIMAL,
    Question,
    Template,
    read_template,
    read_templates,
    template_root,
)
from hubkit.scaffold.discover import UNKNOWN_OWNER, Discovery, open_target, read_discovery
from hubkit.scaffold.git import read_git, read_work_tree, write_git_repo
from hubkit.scaffold.given import read_answers_file
from hubkit.scaffold.proposals import Leftover, Proposal
from hubkit.scaffold.render import RenderedFile, render_template, render_text
from hubkit.scaffold.selection import select_entrypoints
from hubkit.scaffold.write import Outcome, compare_files, write_files

__all__ = [
    "DEFAULT",
    "EXISTING",
    "MINIMAL",
    "UNKNOWN_OWNER",
    "Answers",
    "Discovery",
    "Leftover",
    "Outcome",
    "Proposal",
    "Question",
    "RenderedFile",
    "Template",
    "compare_files",
    "is_asked",
    "open_target",
    "read_answers_file",
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
    "select_entrypoints",
    "suggest_answer",
    "template_root",
    "write_files",
    "write_git_repo",
]
