dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line for the TODOS data set, in <angle> brackets and [square] ones; pretrained is unused.

    See also: the summary of the paper.
    """
    return _torch.nn.Linear(1, 1)
