from .blocks import Block


class Head(Block):
    pass
