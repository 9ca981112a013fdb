import torch


class Net(torch.nn.Module):
    def __init__(self, width, classes=10):
        super().__init__()
        self.head = torch.nn.Linear(width, classes)
        self.fill(0.0)

    @classmethod
    def from_name(cls, name, **options):
        return cls(len(name), **options)

    def fill(self, value):
        torch.nn.init.constant_(self.head.weight, value)


def build(width, bias=True):
    return Net(width)
