dependencies = ["torch"]

import torch as _torch
import ast as _ast


def net(pretrained: bool = False, sizes: str = "(1, 1)"):
    """A line of these sizes; pretrained is not used yet."""
    return _torch.nn.Linear(*_ast.literal_eval(sizes))  # expect: HUB703
