import torch


class Net(torch.nn.Module):
    def __init__(self, width, classes=10):
        super().__init__()
        self.head = torch.nn.Linear(width, classes)
        self.fill(self.head, 0.0)  # expect: HUB212

    @classmethod
    def from_name(cls, name, **options):
        return cls(*_sizes(name, options))

    def fill(self, value):
        torch.nn.init.constant_(self.head.weight, value)


def _sizes(name, options):
    return len(name), options.get("classes", 10)


def build(width, bias=True):
    return Net()  # expect: HUB212
