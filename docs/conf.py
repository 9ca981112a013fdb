"""Sphinx configuration: `make docs` builds the site."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

from hubkit import __version__
from hubkit._util.addresses import find_address

project = "hubkit"
author = "The hubkit developers"
project_copyright = author
release = version = __version__

extensions = [
    "hubkit_docs",
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
exclude_patterns = ["_build", "_ext", "_templates"]
templates_path = ["_templates"]

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
default_role = "code"

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False

# Dashes only: quotes in prose are often those of code.
smartquotes_action = "D"

html_baseurl = find_address("Documentation")  # of [project.urls] in pyproject.toml
html_theme = "furo"
html_title = "hubkit"
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_show_sphinx = False
html_theme_options = {"navigation_with_keys": True}

# Copies commands without the prompt and without their output.
copybutton_prompt_text = r"\$ "
copybutton_prompt_is_regexp = True
