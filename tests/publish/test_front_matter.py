"""Front matter, held against the rules that judge it and against what the sites document."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from hubkit.analysis import read_repo
from hubkit.config import Config
from hubkit.lint import lint_repo
from hubkit.publish.card_facts import License
from hubkit.rules import card_keys as keys
from hubkit.scaffold.answers import require_spdx
from hubkit.source import Folder
from tests.publish.conftest import REPO, hubkit

if TYPE_CHECKING:
    from pathlib import Path

SITES = ("pytorch-hub", "huggingface")


def judged(root: Path) -> list[str]:
    report = lint_repo(read_repo(Folder(root)), Config(select=("HUB804", "HUB805")))
    return [f"{one.code} {one.message}" for one in report.findings]


def values(path: Path) -> dict[str, object]:
    loaded: dict[str, object] = yaml.safe_load(path.read_text("utf-8").split("---\n")[1])
    return loaded


@pytest.mark.parametrize(
    "description",
    [
        "A plain one",
        "Nets: linear ones: all of them",
        "#1 [best] & *fast* net: 'really'",
        '"quoted" and `coded`, with a trailing dot.',
        "yes",
        "größer als ein Netz, 100 %",
        "{{ mustache }} and --- dashes",
        "",
    ],
)
@pytest.mark.parametrize("site", SITES)
def test_whatever_the_project_says_the_rules_find_nothing(
    in_repo: Path, site: str, description: str
) -> None:
    (in_repo / "pyproject.toml").write_text(
        f"[project]\nname = 'nets'\ndescription = '''{description}'''\n"
        "keywords = ['vision', 'a: b', '#x', 'true', '1.0']\n"
    )
    result = hubkit("card", *REPO, "--for", site)
    assert result.exit_code == 0, result.output
    assert judged(in_repo) == []
    assert hubkit("card", "--check").exit_code == 0
    found = values(in_repo / "MODEL_CARD.md")
    if site == "huggingface":
        assert found["tags"] == ["torch-hub", "vision", "a: b", "#x", "true", "1.0"]
        assert set(found) <= set(keys.HF_KEYS)
    else:
        assert list(found)[:3] == [*keys.HUB_FIXED]
        assert set(keys.HUB_REQUIRED) <= set(found)
        assert found["tags"] == ["vision"]


def test_the_lines_are_those_that_pytorch_hubs_own_check_reads(in_repo: Path) -> None:
    """scripts/sanity_check.py there goes by lines, not by YAML."""
    hubkit("card", *REPO, "--for", "pytorch-hub", "--set", "tags=vision,scriptable")
    lines = (in_repo / "MODEL_CARD.md").read_text().splitlines()
    assert lines[:4] == [
        "---",
        "layout: hub_detail",
        "background-class: hub-background",
        "body-class: hub",
    ]
    pairs = dict(line.split(": ", 1) for line in lines[4 : lines.index("---", 1)])
    assert pairs["tags"] == "[vision, scriptable]"
    assert pairs["image"] == "pytorch-logo.png"
    assert not any(":" in pairs[key] for key in ("title", "summary", "author"))
    assert not any(value.startswith(('"', "'")) for value in pairs.values())
    headings = [line for line in lines if line.startswith("###")]
    assert {"### Model Description", "### Example"} <= set(headings)
    assert not any(":" in line for line in headings)


def test_unknown_front_matter_is_left_out_and_reported(in_repo: Path) -> None:
    result = hubkit("card", *REPO, "--for", "pytorch-hub")
    assert result.exit_code == 0
    assert "HUB804 pytorch.org/hub requires `tags`" in result.stderr
    assert "tags" not in values(in_repo / "MODEL_CARD.md")
    hubkit("card", "--set", "tags=nlp", "--set", "accelerator=cuda-optional")
    assert values(in_repo / "MODEL_CARD.md")["tags"] == ["nlp"]
    assert judged(in_repo) == []


def test_fixed_values_are_put_right_and_others_are_not(in_repo: Path) -> None:
    path = in_repo / "MODEL_CARD.md"
    path.write_text(
        "---\nlayout: page   # old\ntitle: Mine\ngithub-link: https://example.org\n"
        "order: 10\n---\n### Model Description\n"
    )
    hubkit("card", *REPO)
    text = path.read_text()
    assert text.startswith(
        "---\nbackground-class: hub-background\nbody-class: hub\nlayout: hub_detail\ntitle: Mine\n"
        "github-link: https://example.org\norder: 10\n"
    )


def test_the_rules_read_cards_whose_lines_end_as_on_windows(in_repo: Path) -> None:
    text = "---\r\nlicense: mitt\r\n---\r\n# Nets\r\n"
    (in_repo / "MODEL_CARD.md").write_bytes(text.encode())
    assert judged(in_repo) == ["HUB804 unknown license for Hugging Face: `mitt`"]


def test_a_key_that_is_given_is_replaced(in_repo: Path) -> None:
    path = in_repo / "MODEL_CARD.md"
    path.write_text("---\n# kept\nlicense: mit\ndatasets:\n- mnist\n---\n# Nets\n")
    result = hubkit(
        "card", *REPO, "--set", "license=apache-2.0", "--set", "pipeline_tag=image-classification"
    )
    assert result.exit_code == 0, result.output
    assert path.read_text().startswith("---\n# kept\nlicense: apache-2.0\ndatasets:\n- mnist\n")
    assert values(path)["pipeline_tag"] == "image-classification"
    before = path.read_bytes()
    refused = hubkit("card", "--set", "datasets=cifar10")
    assert refused.exit_code == 2
    assert "datasets: [cifar10]" in refused.stderr
    assert path.read_bytes() == before
    assert "is not KEY=VALUE" in hubkit("card", "--set", "datasets").stderr


@pytest.mark.usefixtures("in_repo")
def test_a_card_is_for_one_site() -> None:
    hubkit("card", *REPO, "--for", "huggingface")
    result = hubkit("card", "--for", "pytorch-hub")
    assert result.exit_code == 2
    assert "--file PATH" in result.stderr
    assert hubkit("card", "--for", "pytorch-hub", "--file", "hub.md").exit_code == 0


def test_front_matter_is_added_only_when_asked_for(in_repo: Path) -> None:
    path = in_repo / "MODEL_CARD.md"
    path.write_bytes(b"\xef\xbb\xbf# Nets\r\n")
    hubkit("card", *REPO)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf# Nets\r\n")
    hubkit("card", "--for", "huggingface")
    assert path.read_bytes().startswith(b"\xef\xbb\xbf---\r\nlibrary_name: pytorch\r\n")
    assert judged(in_repo) == []


def test_a_site_generators_front_matter_is_not_touched(in_repo: Path) -> None:
    path = in_repo / "MODEL_CARD.md"
    text = "---\nlayout: default\npermalink: /card\n---\n# Nets\n"
    path.write_text(text)
    hubkit("card", *REPO)
    assert path.read_text().startswith(text)


@pytest.mark.parametrize(
    ("spdx", "name"),
    [
        ("MIT", "mit"),
        ("Apache-2.0", "apache-2.0"),
        ("GPL-3.0-only", "gpl-3.0"),
        ("AGPL-3.0-or-later", "agpl-3.0"),
        ("CC-BY-NC-4.0", "cc-by-nc-4.0"),
        ("LicenseRef-LICENSE", "other"),
    ],
)
def test_licenses_have_hugging_faces_names(spdx: str, name: str) -> None:
    assert License(require_spdx(spdx), "LICENSE").on_hugging_face == name


def test_a_license_of_ones_own_is_named(in_repo: Path) -> None:
    (in_repo / "LICENSE.txt").write_text("You may look at it.\n")
    hubkit("card", *REPO)
    found = values(in_repo / "MODEL_CARD.md")
    assert found["license"] == "other"
    assert found["license_name"] == "licenseref-license"
    assert found["license_link"] == "LICENSE.txt"
    assert judged(in_repo) == []
