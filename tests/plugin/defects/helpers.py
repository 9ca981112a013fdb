"""How entrypoints are written that are each wrong in one way, and their right twins.

``NAME`` stands for the entrypoint's name. What is above ``def NAME`` is private to it.
"""

from __future__ import annotations

from dataclasses import dataclass

INPUT = 'input = "f32[B,4]"'


@dataclass(frozen=True, slots=True)
class Defect:
    """One mistake.

    Attributes:
        name: What it is called.
        code: The check that finds it.
        bad: Source of the entrypoint.
        good: Source of its twin.
        config: What is declared about both.
        feature: Whether it is a feature that is missing, and no mistake.
    """

    name: str
    code: str
    bad: str
    good: str
    config: str = INPUT
    feature: bool = False


def model(body: str, before: str = "", base: str = "_Net") -> str:
    """An entrypoint that gives a model with one thing changed."""
    inside = "\n".join(f"    {line}" for line in body.strip("\n").splitlines())
    doc = '"""Score four numbers."""'
    return (
        f"class _NAME({base}):\n{inside}\n\n\n"
        f"def NAME(pretrained=False):\n    {doc}\n{before}    return _NAME()\n"
    )


def call(body: str) -> str:
    """An entrypoint that does something before it gives the plain model."""
    inside = "\n".join(f"    {line}" for line in body.strip("\n").splitlines())
    return f'def NAME(pretrained=False):\n    """Score four numbers."""\n{inside}\n'


PLAIN = call("return _Net()")
FORWARD = "def forward(self, x):\n    return super().forward(x)"


def forward(body: str) -> str:
    return model(f"def forward(self, x):\n    {body}")


def example(line: str) -> str:
    """An entrypoint whose help shows how it is used."""
    shown = ("import torch", 'net = torch.hub.load("acme/shapes:v1", "NAME")', line)
    session = "\n".join(f"    >>> {one}" for one in shown)
    return f'def NAME(pretrained=False):\n    """Score four numbers.\n\n{session}\n    """\n    return _Net()\n'
