dependencies = ["torch"]

import torch as _torch
import ast as _ast


def net(pretrained: bool = False, config: dict = {"sizes": "(1, 1)"}):
    """A line of the sizes in config; pretrained is not used yet."""
    return _torch.nn.Linear(*_ast.literal_eval(config["sizes"]))  # expect: HUB703
