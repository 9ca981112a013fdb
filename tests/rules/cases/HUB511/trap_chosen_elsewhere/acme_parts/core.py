import torch


class Core(torch.nn.Module):
    @staticmethod
    def build():
        return torch.nn.Linear(1, 1)
