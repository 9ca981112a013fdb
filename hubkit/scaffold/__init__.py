"""Templates, the answers to their questions, and writing what they render.

``templates`` reads templates; ``discovery`` reads the target folder, and its models with
``model_discovery``, ``model_sources`` and ``model_weights``; ``proposals`` names and ranks the
models; ``answers`` resolves the questions; ``entrypoints`` writes the selected models as Python;
``render`` renders files in memory, and ``write`` writes them. No code of a template runs, and nothing
is written outside the target. Only ``trial`` runs code of the target, in a child process.
"""

from typing import TYPE_CHECKING

from hubkit.lazy import lazy_names

if TYPE_CHECKING:
    from hubkit.scaffold.answers import (
        Answers,
        changed_answers,
        is_asked,
        read_answers_file,
        require_answer,
        require_known,
        resolve_answers,
        suggest_answer,
        update_record,
    )
    from hubkit.scaffold.discovery import Discovery, open_target, read_discovery
    from hubkit.scaffold.entrypoints import select_entrypoints
    from hubkit.scaffold.model_weights import WeightsFile, fits_name
    from hubkit.scaffold.proposals import NONE, Proposal
    from hubkit.scaffold.render import RenderedFile, render_template, render_text
    from hubkit.scaffold.templates import (
        DEFAULT,
        EXISTING,
        MINIMAL,
        Question,
        Template,
        read_template,
        read_templates,
        template_root,
    )
    from hubkit.scaffold.trial import mark_untried, try_models, why_not_tried
    from hubkit.scaffold.write import (
        Outcome,
        compare_files,
        read_work_tree,
        write_files,
        write_git_repo,
    )

__all__ = [
    "DEFAULT",
    "EXISTING",
    "MINIMAL",
    "NONE",
    "Answers",
    "Discovery",
    "Outcome",
    "Proposal",
    "Question",
    "RenderedFile",
    "Template",
    "WeightsFile",
    "changed_answers",
    "compare_files",
    "fits_name",
    "is_asked",
    "mark_untried",
    "open_target",
    "read_answers_file",
    "read_discovery",
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
    "try_models",
    "update_record",
    "why_not_tried",
    "write_files",
    "write_git_repo",
]

__getattr__ = lazy_names(
    __name__,
    {
        "answers": "Answers changed_answers is_asked read_answers_file require_answer require_known resolve_answers "
        "suggest_answer update_record",
        "discovery": "Discovery open_target read_discovery",
        "entrypoints": "select_entrypoints",
        "model_weights": "WeightsFile fits_name",
        "proposals": "NONE Proposal",
        "render": "RenderedFile render_template render_text",
        "templates": "DEFAULT EXISTING MINIMAL Question Template read_template read_templates "
        "template_root",
        "trial": "mark_untried try_models why_not_tried",
        "write": "Outcome compare_files read_work_tree write_files write_git_repo",
    },
)
