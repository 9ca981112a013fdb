dependencies = ["torch"]

import torch as _torch

for _name in ("small", "large"):
    globals()[_name] = _torch.nn.Linear  # expect: HUB210
