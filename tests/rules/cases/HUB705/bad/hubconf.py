dependencies = ["torch"]

import torch as _torch


_torch.manual_seed(0)  # expect: HUB705
_torch.backends.cudnn.benchmark = True  # expect: HUB705
_torch.set_num_threads(1)  # expect: HUB705
_torch.nn.init.kaiming_normal_ = None  # expect: HUB705


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    _torch.set_grad_enabled(False)  # expect: HUB705
    return _torch.nn.Linear(1, 1)
