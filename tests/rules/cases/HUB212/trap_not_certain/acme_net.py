import functools
import sys

import torch


class Net(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.head = torch.nn.Linear(width, self.count())

    @staticmethod
    def count(more=0):
        return 1 + more

    def grow(self, by):
        return self


def build(width, bias=True):
    return Net(width)


if sys.platform == "win32":

    def either(width=8):
        return Net(width)

else:

    def either(depth=8):
        return Net(depth)


def _adapt(function):
    @functools.wraps(function)
    def inner(*args, **kwargs):
        kwargs.pop("depth", None)
        return function(*args, **kwargs)

    return inner


@_adapt
def wrapped(width=8):
    return Net(width)


def forwarded(**kwargs):
    return _inner(**kwargs)


def _inner(kwargs=None):
    return Net(8)
