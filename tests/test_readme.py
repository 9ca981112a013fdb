"""The story of the README and the tutorial, run as a reader would type it, and what it leaves."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hubkit.analysis import read_repo, require_hubconf
from hubkit.config import read_config
from hubkit.lint import lint_repo
from tests.demo import environment
from tests.doc_pages import DOCS, expected, read_commands
from tests.git_host import GitHost, git
from tests.publish.test_scaffolded import RUN, snippets
from tests.scaffold.test_templates import ruff
from tests.scaffold.test_trained import LOCAL
from tests.warm import run_python

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
STORY = re.compile(r"<!-- story -->\n```(console|python)\n(.*?)```", re.DOTALL)
BLOCKS = STORY.findall((DOCS / "tutorial.md").read_text("utf-8"))
(USE,) = (block for language, block in BLOCKS if language == "python")

REMOTE = """
import sys, torch, hubkit
for name in hubkit.list("acme/shapes:v0.1.0"):
    options = dict(pretrained=True, trust_repo=True)
    model = hubkit.load("acme/shapes:v0.1.0", name, **options).eval()
    square = torch.zeros(1, 1, 32, 32)
    square[..., 8:24, 8:24] = 1
    with torch.inference_mode():
        print(name, model.classes[int(model(square).argmax())])
"""


@dataclass
class Reader:
    """Somebody who follows the README: types its commands and keeps its folder.

    Attributes:
        folder: Where the reader is.
        variables: The environment variables.
        said: What each command printed, by the command.
    """

    folder: Path
    variables: dict[str, str]
    said: dict[str, str] = field(default_factory=dict)

    def follow(self, block: str) -> None:
        """Type the commands of a block, which print what it shows."""
        for command, lines in read_commands(block):
            if command.startswith("cd "):
                self.folder /= command.removeprefix("cd ")
                continue
            fails = any("error[" in line for line in lines)
            shown = self.said[command] = self._type(command, code=int(fails))
            assert re.fullmatch(expected(lines), shown) or not lines, f"$ {command}\n{shown}"

    def _type(self, command: str, code: int) -> str:
        """Run a command; what needs torch, with torch imported already: the demo starts all anew."""
        program, *arguments = shlex.split(command)
        if program == "pytest":
            program, arguments = "python", ["-m", "pytest", *arguments]
        if program != "python":
            return self.run("bash", "-c", command, code=code)
        done = run_python(*arguments, cwd=self.folder, env=self.variables, warm_children=True)
        assert done.returncode == code, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def run(self, *command: str, code: int = 0) -> str:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.variables,
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == code, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def run_here(self, *command: str, **variables: str) -> str:
        """What Python prints for somebody who has none of this reader's files, but its host."""
        elsewhere = self.folder.parent / "elsewhere"
        elsewhere.mkdir(exist_ok=True)
        env = {**self.variables, **variables}
        return run_python(*command, cwd=elsewhere, env=env, check=True).stdout


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """A reader who has trained, checked, proved, published and released a model."""
    work = tmp_path_factory.mktemp("story")
    with GitHost() as host:
        reader = Reader(work, environment(work / "torch-home", host.url))
        for language, block in BLOCKS:
            if language == "console":
                reader.follow(block)
        host.add_repo("acme", "shapes", reader.folder)
        for asset in (reader.folder / "dist").iterdir():
            host.add_asset("acme", "shapes", "v0.1.0", asset)
        yield reader


@pytest.mark.torch
@pytest.mark.slow
class TestStory:
    """The reader's way, once."""

    def test_models_are_used_as_the_readme_says(self, reader: Reader) -> None:
        said = reader.run_here("-c", USE)
        assert said.startswith("['shapes', 'shapes_tiny']\n")
        assert said.endswith("torch.Size([1, 3])\n")

    def test_training_lowers_the_loss_and_says_so_briefly(self, reader: Reader) -> None:
        said = reader.said["python -m shapes.train"]
        losses = [float(loss) for loss in re.findall(r"loss (\d\.\d+)", said)]
        half = len(losses) // 2
        for first, *_, last in (losses[:half], losses[half:]):
            assert last < first / 4
        shares = [float(share) for share in re.findall(r"3,000 new drawings: ([\d.]+)%", said)]
        assert len(shares) == 2
        assert min(shares) > 95
        assert len(said.splitlines()) < 20
        assert max(map(len, said.splitlines())) < 80

    def test_training_writes_weights_an_asset_and_its_address(self, reader: Reader) -> None:
        repo = reader.folder
        (asset,) = (repo / "dist").iterdir()
        assert re.fullmatch(r"shapes-[0-9a-f]{8}\.pth", asset.name)
        release = (repo / "shapes" / "release.py").read_text("utf-8")
        address = f"https://github.com/acme/shapes/releases/download/v0.1.0/{asset.name}"
        assert f'URL = "{address}"\n' in release
        uses = require_hubconf(read_repo(repo)).checkpoints
        assert [use.url for use in uses] == [address]
        tracked = git("ls-files", cwd=repo).splitlines()
        assert "weights/shapes_tiny.pt" in tracked
        assert not [name for name in tracked if name.startswith("dist/") or "__pycache__" in name]

    def test_after_training_it_is_as_clean_as_before(self, reader: Reader) -> None:
        repo = reader.folder
        assert not lint_repo(read_repo(repo), read_config(repo)).findings
        assert not ruff("format", "--diff", ".", cwd=repo)
        assert not ruff("check", ".", cwd=repo)

    def test_after_training_the_suite_reaches_every_level(self, reader: Reader) -> None:
        said = reader.said["pytest --hubconf --hubconf-report conformance.json"]
        assert "failed" not in said
        rows = [line.split() for line in said.splitlines() if line.startswith("shapes")]
        assert sorted((name, *levels[:3]) for name, *levels in rows) == [
            ("shapes", "ok", "ok", "ok"),
            ("shapes_tiny", "ok", "ok", "ok"),
        ]

    def test_snippets_of_the_scaffold_load_weights_as_printed(self, reader: Reader) -> None:
        shown = snippets(reader.folder)
        assert all(":v0.1.0" in code and "pretrained=True" in code for code in shown.values())
        home = str(reader.folder.parent / "scaffold-home")
        url = reader.variables["HUBKIT_GITHUB_URL"]
        for code in shown.values():
            said = reader.run_here("-c", RUN, url, code, TORCH_HOME=home)
            assert said.endswith("['ShapeNet']\n")

    def test_both_entrypoints_load_from_the_host_with_their_weights(self, reader: Reader) -> None:
        home = reader.folder.parent / "another-home"
        said = reader.run_here("-c", REMOTE, TORCH_HOME=str(home))
        assert sorted(said.split("\n")) == ["", "shapes square", "shapes_tiny square"]
        checkpoints = (home / "hub" / "checkpoints").iterdir()
        assert [path.name for path in checkpoints] == [
            path.name for path in (reader.folder / "dist").iterdir()
        ]

    def test_torch_hub_loads_both_with_their_weights(self, reader: Reader, tmp_path: Path) -> None:
        cache = tmp_path / "hub" / "checkpoints"
        cache.mkdir(parents=True)
        # What torch.hub would have downloaded from the release: there is no network here.
        shutil.copy(next((reader.folder / "dist").iterdir()), cache)
        for name in ("shapes_tiny", "shapes"):
            command = ("-c", LOCAL, str(reader.folder), name, "{'pretrained': True}")
            said = reader.run_here(*command, TORCH_HOME=str(tmp_path))
            assert said == "(2, 3) ('circle', 'square', 'triangle')\n"


def test_the_readme_tells_the_story_of_the_tutorial() -> None:
    told = [command for _, block in BLOCKS for command, _ in read_commands(block)]
    short = STORY.findall(README)
    commands = [command for _, block in short for command, _ in read_commands(block)]
    assert commands == [command for command in told if command in commands]
    assert [block for language, block in short if language == "python"] == [USE]


def test_commands_shown_are_commands_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = re.findall(r"^\$ make (\w+)$", README, re.MULTILINE)
    assert targets == ["demo", "test"]
    assert all(f"\n{target}:" in makefile for target in targets)
