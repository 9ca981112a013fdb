"""Names of packages: identifiers that are the same on every machine, and spell their repo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hubkit.facts import RepoRef
from hubkit.hubdir import parse_repo
from hubkit.runtime.namespace import (
    name_folder,
    name_repo,
    read_folder_name,
    read_repo_name,
    strip_edition,
)

if TYPE_CHECKING:
    from tests.runtime.conftest import MakeRepo

SHA = "1a2b3c4d5e6f" + 28 * "0"
PARTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(PARTS, PARTS, PARTS, st.sampled_from(["https", "http", "git+ssh", "git+file"]))
@example("a__b", "-_.c", "--9", "https")
@example("_E1", "1", "_X5fX", "git+ssh")
def test_a_name_spells_its_repo(owner: str, name: str, host: str, scheme: str) -> None:
    repo = RepoRef(owner, name, None, host, scheme)
    spelled = name_repo(repo, SHA)
    assert read_repo_name(spelled) == (repo, SHA[:12])
    assert read_repo_name(f"{spelled}_E3") == (repo, SHA[:12])
    assert spelled.isidentifier()
    assert spelled.isascii()


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("acme/net", "github_com__acme__net"),
        ("my-team/Mask_RCNN", "github_com__my_team__Mask_URCNN"),
        ("a/YOLO-World.v2", "github_com__a__YOLO_HWorld_Dv2"),
        ("https://gitlab.com/a/b/c", "gitlab_com__a_Sb__c"),
        ("http://127.0.0.1:8/a/b", "http__127_0_0_1_C8__a__b"),
        ("git+ssh://me@host/a/b", "git_Pssh__me_Ahost__a__b"),
        ("git+file:///srv/b", "git_Pfile____srv__b"),
    ],
)
def test_names_are_readable(address: str, name: str) -> None:
    repo = parse_repo(address)
    assert name_repo(repo, SHA) == f"{name}__1a2b3c4d5e6f"
    assert read_repo_name(f"{name}__1a2b3c4d5e6f") == (repo, SHA[:12])


def test_a_copy_of_a_folder_has_its_name(make_repo: MakeRepo) -> None:
    first = make_repo("one/net", {"hubconf.py": "def net(): return 1\n"})
    other = make_repo("two/net", {"hubconf.py": "def net(): return 2\n"})
    name = name_folder(first)
    assert name.startswith("folder__net__")
    assert name != name_folder(other)
    assert read_folder_name(name) == read_folder_name(name_folder(other)) == "net"
    (other / "hubconf.py").write_bytes(b"def net(): return 1\r\n")  # as git checks out on Windows
    assert name == name_folder(other)


@given(PARTS)
@example("..")
def test_any_folder_has_a_name(part: str) -> None:
    name = name_folder(Path("/nowhere", part.replace("/", "").replace("\0", "")))
    assert name.isidentifier()
    assert name.isascii()
    assert read_folder_name(name) is not None
    assert strip_edition(f"{name}_E12") == name


@pytest.mark.parametrize("name", ["_", "a__b__c__d", "__", "ä", "", "folder__a__b", f"a__b__{SHA}"])
def test_other_names_are_no_repos(name: str) -> None:
    assert read_repo_name(name) is None
