import torch


class _Crops(torch.nn.Module):
    def forward(self, inputs):
        for part in inputs:
            part = self.scale(torch.cat(part).cuda(non_blocking=True))  # expect: HUB208
        return part

    def scale(self, part):
        return part


def crops():
    """A line."""
    return _Crops()
