"""``make demo``: the whole story of hubkit on a model that is made on the spot.

Everything happens in a temporary folder and on a loopback git host; nothing of the user's is read
or written. Each step prints the command that a user would type and what it says.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path

from tests.git_host import GitHost

WIDTH = 78
REPO = "acme/shapes"
TAG = "v0.1.0"

CONSUMER = f"""
import time

import torch

import hubkit

repo = "{REPO}:{TAG}"
for when in ("cold", "warm"):
    start = time.perf_counter()
    model = hubkit.load(repo, "shapes", pretrained=True, trust_repo=True, progress=False)
    print(f"hubkit.load, {{when}}: {{time.perf_counter() - start:.3f}} s")
print("hubkit.list:", hubkit.list(repo))
print("hubkit.help:", hubkit.help(repo, "shapes").splitlines()[0])

square = torch.zeros(1, 1, 32, 32)
square[..., 8:24, 8:24] = 1
with torch.inference_mode():
    odds = model.eval()(square).softmax(1)[0]
print("a drawn square is:", {{name: round(float(p), 3) for name, p in zip(model.classes, odds)}})
"""


@dataclass(frozen=True)
class Stage:
    """Where the demo plays, and how it speaks."""

    folder: Path
    environment: dict[str, str]

    def title(self, text: str) -> None:
        bold, plain = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")
        print(f"\n{bold}{text}{plain}\n{'─' * WIDTH}", flush=True)

    def say(self, text: str) -> None:
        print(textwrap.fill(text, WIDTH), flush=True)

    def run(self, *command: str, shown: str = "", expect: int = 0) -> None:
        """Run a command in the repo, show it and what it says, insist on its exit code."""
        print(f"$ {shown or ' '.join(command)}", flush=True)
        done = subprocess.run(command, cwd=self.folder, env=self.environment, check=False)
        if done.returncode != expect:
            sys.exit(f"demo: expected exit code {expect}, got {done.returncode}")


def environment(home: Path, host: str) -> dict[str, str]:
    """The variables that child processes see: this checkout's tools, a hub dir of our own."""
    tools = Path(sys.executable).parent
    return {
        **os.environ,
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "TORCH_HOME": str(home),
        "HUBKIT_GITHUB_URL": host,
        "PYTHONWARNINGS": "ignore",
        # The model is small: beside other processes, threads of torch mostly wait for one another.
        "OMP_NUM_THREADS": "1",
        **{
            f"GIT_{who}_{what}": value
            for who in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", "Demo"), ("EMAIL", "demo@example.org"))
        },
    }


def publish(stage: Stage) -> None:
    stage.title("1  Scaffold a model repo, train it, commit it, tag it")
    outside = Stage(stage.folder.parent, stage.environment)
    outside.run("hubkit", "init", "shapes", "--defaults", "--repo", REPO)
    stage.run("python", "-m", "shapes.train", "--steps", "150")
    stage.run("git", "add", ".")
    stage.run(
        "git", "commit", "--quiet", "-m", "First release", shown='git commit -m "First release"'
    )
    stage.run("git", "tag", TAG)


def judge(stage: Stage) -> None:
    stage.title("2  Lint it: source only, nothing is imported")
    stage.run("hubkit", "check")
    stage.title("3  Prove it: the conformance suite on every entrypoint")
    stage.run("pytest", "--hubconf", "-q")


def consume(stage: Stage, host: GitHost) -> None:
    stage.title("4  Serve it from a git host on loopback, and use it from there")
    owner, name = REPO.split("/")
    host.add_repo(owner, name, stage.folder)
    for asset in sorted((stage.folder / "dist").iterdir()):
        host.add_asset(owner, name, TAG, asset)
    elsewhere = stage.folder.parent / "elsewhere"
    elsewhere.mkdir()
    user = Stage(elsewhere, stage.environment)
    user.run(sys.executable, "-c", CONSUMER, shown="python consumer.py")
    user.say(
        f"The host was asked {len(host.requests)} times in all: the refs, the code, the weights."
    )


def break_it(stage: Stage) -> None:
    stage.title("5  Plant a mistake that works on the author's machine")
    model = stage.folder / "shapes" / "model.py"
    source = model.read_text("utf-8")
    model.write_text(source.replace("import torch", "import numpy\nimport torch", 1), "utf-8")
    stage.say("shapes/model.py now imports numpy, which `dependencies` does not declare.")
    stage.run("hubkit", "check", expect=1)
    stage.run("git", "commit", "--quiet", "-am", "Use numpy", shown='git commit -am "Use numpy"')
    stage.run("pytest", "--hubconf", "-q", expect=1)


def main() -> None:
    """Run the demo; exit with 1 when a step does not go as told."""
    began = time.monotonic()
    print("hubkit: from an empty folder to a published model and its user")
    with tempfile.TemporaryDirectory(prefix="hubkit-demo-") as name, GitHost() as host:
        work = Path(name)
        stage = Stage(work / "shapes", environment(work / "torch-home", host.url))
        publish(stage)
        judge(stage)
        consume(stage, host)
        break_it(stage)
    stage.title(f"Done in {time.monotonic() - began:.0f} s. What to do next")
    print(
        "  Your own model:   .venv/bin/hubkit init my-model    (or in an existing repo: hubkit init)"
    )
    print("  Any hub repo:     .venv/bin/hubkit check PATH, .venv/bin/hubkit list PATH")
    print("  Why a rule is:    .venv/bin/hubkit explain HUB105")
    print("  The five jobs:    README.md")


if __name__ == "__main__":
    main()
