"""Two repos that define the same torch operator: never does the first silently compute something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import hubkit
from hubkit.errors import SharedOperatorError
from hubkit.runtime import CodePolicy, import_hubconf

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runtime.conftest import MakeRepo

pytestmark = pytest.mark.torch

HEAD = """
import torch
def net():
    return lambda: torch.ops.NAME.f(torch.zeros(1)).item()
"""
KINDS = {
    "custom_op": """
@torch.library.custom_op("NAME::f", mutates_args=())
def f(x: torch.Tensor) -> torch.Tensor:
    return x + NUMBER
""",
    "fragment": """
lib = torch.library.Library("NAME", "FRAGMENT")
lib.define("f(Tensor x) -> Tensor")
lib.impl("f", lambda x: x + NUMBER, "CPU")
""",
    "functions": """
torch.library.define("NAME::f", "(Tensor x) -> Tensor")
@torch.library.impl("NAME::f", "cpu")
def f(x):
    return x + NUMBER
""",
    "guarded": """
lib = torch.library.Library("NAME", "FRAGMENT")
if not hasattr(torch.ops.NAME, "f"):
    lib.define("f(Tensor x) -> Tensor")
lib.impl("NAME::f", lambda x: x + NUMBER, "CPU")
""",
    "another kernel": """
if NUMBER == 1:
    @torch.library.custom_op("NAME::f", mutates_args=())
    def f(x: torch.Tensor) -> torch.Tensor:
        return x + 1
else:
    @torch.library.register_kernel("NAME::f", "cpu")
    def f(x):
        return x + 2
""",
    "a kernel for an overload": """
lib = torch.library.Library("NAME", "FRAGMENT")
if NUMBER == 1:
    lib.define("f(Tensor x) -> Tensor")
    lib.impl("f", lambda x: x + 1, "CompositeExplicitAutograd")
else:
    lib.impl(torch.ops.NAME.f.default, lambda x: x + 2, "CPU")
""",
}


def write(make_repo: MakeRepo, name: str, code: str, number: int, folder: str = "") -> Path:
    text = f"{HEAD}{code}".replace("NAME", name).replace("NUMBER", str(number))
    return make_repo(folder or f"{name}{number}", {"hubconf.py": text})


@pytest.mark.parametrize("kind", KINDS)
def test_the_second_one_is_an_error_that_names_both(make_repo: MakeRepo, kind: str) -> None:
    name = f"hubkit_{kind.replace(' ', '_')}"
    first = write(make_repo, name, KINDS[kind], 1)
    net = hubkit.load(first, "net")
    assert net() == 1
    policy = CodePolicy(is_fixed=True, label="acme/ops:v2")
    second = write(make_repo, name, KINDS[kind], 2)
    for _ in range(2):
        with pytest.raises(SharedOperatorError) as error:
            import_hubconf(second, policy=policy)
        assert error.value.operator == f"{name}::f"
        assert str(first) in error.value.message
        assert "acme/ops:v2" in error.value.message
        assert net() == 1
    assert hubkit.load(first, "net")() == 1


def test_a_repo_may_redefine_its_own(make_repo: MakeRepo) -> None:
    code = KINDS["custom_op"] + KINDS["custom_op"].replace("NUMBER", "5")
    more = "\nf.register_kernel('cuda')(f)\ntorch.library.register_fake('NAME::f')(lambda x: x)\n"
    assert hubkit.load(write(make_repo, "hubkit_own", code + more, 1), "net")() == 5


def test_an_edited_folder_warns(make_repo: MakeRepo) -> None:
    old = hubkit.load(write(make_repo, "hubkit_edited", KINDS["custom_op"], 1, "repo"), "net")
    root = write(make_repo, "hubkit_edited", KINDS["custom_op"], 23, "repo")
    with pytest.warns(UserWarning, match=r"repo has changed .* hubkit_edited::f"):
        new = hubkit.load(root, "net")
    assert (old(), new()) == (23, 23)


def define(number: int) -> None:
    """As an installed package may, each time it is called."""
    import torch

    schema = "(Tensor x) -> Tensor"
    torch.library.custom_op(
        "hubkit_installed::f", lambda x: x + number, mutates_args=(), schema=schema
    )


def test_operators_of_installed_packages_are_theirs(make_repo: MakeRepo) -> None:
    code = f"from {__name__} import define\ndefine(NUMBER)\n"
    for number in (1, 2):
        root = write(make_repo, "hubkit_installed", code, number)
        assert hubkit.load(root, "net")() == number


@pytest.mark.filterwarnings("ignore:Warning only once")  # torch's own, which names no repo
def test_a_replaced_operator_of_torch_warns(make_repo: MakeRepo) -> None:
    import torch

    code = "lib = torch.library.Library('aten', 'IMPL')\nlib.impl('erfinv', lambda x: x, 'CPU')\n"
    repo = make_repo("repo", {"hubconf.py": HEAD + code})
    with pytest.warns(UserWarning, match=r"repo replaces torch's operator aten::erfinv"):
        hubconf = import_hubconf(repo)
    hubconf.module.lib._destroy()
    assert torch.erfinv(torch.zeros(1)).item() == 0
