import torch


class Core(torch.nn.Module):
    @staticmethod
    def build():
        return torch.hub.load("other/repo", "backbone")  # expect: HUB511
