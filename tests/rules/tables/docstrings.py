"""Cases of one file for the rules HUB3xx. ``# expect: CODE`` marks the line of a finding."""

CASES: dict[str, dict[str, str]] = {
    "HUB301": {
        "bad": """\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):  # expect: HUB301
    return _torch.nn.Linear(1, 1)
""",
        "good": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "fixed": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):  # expect: HUB301
    """Build `net`.

    Args:
        pretrained: Load trained weights. Defaults to False.
    """
    return _torch.nn.Linear(1, 1)
''',
        "trap_assigned": """\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    return _torch.nn.Linear(1, 1)


net.__doc__ = "A line; pretrained is not used yet."
""",
    },
    "HUB302": {
        "bad": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False, width: int = 64):  # expect: HUB302
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(width, 1)
''',
        "good": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False, width: int = 64):
    """A line.

    Args:
        pretrained: Not used yet.
        width: How wide.
    """
    return _torch.nn.Linear(width, 1)
''',
        "fixed": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False, width: int = 64):  # expect: HUB302
    """A line; pretrained is not used yet.

    Args:
        width: Defaults to 64.
    """
    return _torch.nn.Linear(width, 1)
''',
        "bad_misspelled": '''\
dependencies = ["torch"]

import torch as _torch


def net(width: int = 4, height: int = 4):  # expect: HUB302
    """A line.

    :param int widht: How wide.
    """
    return _torch.nn.Linear(width, height)
''',
        "fixed_misspelled": '''\
dependencies = ["torch"]

import torch as _torch


def net(width: int = 4, height: int = 4):  # expect: HUB302
    """A line.

    :param int width: How wide.
    :param height: Defaults to 4.
    """
    return _torch.nn.Linear(width, height)
''',
        "trap_numpy_and_sphinx_styles": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained=False, width=64):
    """A line.

    Parameters
    ----------
    pretrained, width : bool, int
        What they say.
    """
    return _torch.nn.Linear(width, 1)


def other(pretrained=False, *args, _internal=None, **kwargs):
    """A line.

    :param pretrained: load weights
    """
    return _torch.nn.Linear(*args, **kwargs)
''',
        "trap_tutorial_style": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained=False, width=64):
    """# This is the network of the paper.

    pretrained (bool): load weights
    width - how wide the first layer is
    """
    return _torch.nn.Linear(width, 1)
''',
    },
    "HUB303": {
        "bad": '''\
dependencies = ["torch"]

import torch as _torch


def net(weights: str = ""):  # expect: HUB302, HUB303
    """A line.

    Args:
        wieghts: File to load.
    """
    return _torch.nn.Linear(len(weights), 1)
''',
        "good": '''\
dependencies = ["torch"]

import torch as _torch


def net(weights: str = ""):
    """A line.

    Args:
        weights: File to load.
    """
    return _torch.nn.Linear(len(weights), 1)
''',
        "fixed": '''\
dependencies = ["torch"]

import torch as _torch


def net(weights: str = ""):  # expect: HUB302, HUB303
    """A line.

    Args:
        weights: File to load.
    """
    return _torch.nn.Linear(len(weights), 1)
''',
        "trap_keys_and_keywords": '''\
dependencies = ["torch"]

import torch as _torch


def net(options: "dict | None" = None, **kwargs):
    """A line.

    Args:
        options: A dict with these keys:
            bias: Whether to have one.
            option: Another.
        device: Passed on.
    """
    return _torch.nn.Linear(1, 1, **(options or {}), **kwargs)
''',
    },
    "HUB304": {
        "bad": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):  # expect: HUB304
    """# This docstring shows up in hub.help()
    A line; pretrained is not used yet.
    """
    return _torch.nn.Linear(1, 1)


def other(pretrained: bool = False):  # expect: HUB304
    """A line. TODO: tell about pretrained."""
    return _torch.nn.Linear(1, 1)


def third(pretrained: bool = False):  # expect: HUB304
    """_summary_

    Args:
        pretrained: _description_
    """
    return _torch.nn.Linear(1, 1)
''',
        "good": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "fixed": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):  # expect: HUB304
    """A line; pretrained is not used yet.
    """
    return _torch.nn.Linear(1, 1)


def other(pretrained: bool = False):  # expect: HUB304
    """A line. TODO: tell about pretrained."""
    return _torch.nn.Linear(1, 1)


def third(pretrained: bool = False):  # expect: HUB304
    """_summary_

    Args:
        pretrained: _description_
    """
    return _torch.nn.Linear(1, 1)
''',
        "trap_words_that_look_alike": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line for the TODOS data set, in <angle> brackets and [square] ones; pretrained is unused.

    See also: the summary of the paper.
    """
    return _torch.nn.Linear(1, 1)
''',
    },
    "HUB305": {
        "bad": """\
dependencies = ["torch"]

import functools as _functools

import torch as _torch


def _net(pretrained: bool = False, width: int = 1):
    return _torch.nn.Linear(width, 1)


small = _functools.partial(_net, width=1)  # expect: HUB305
large = lambda pretrained=False: _net(pretrained, width=2)  # expect: HUB305
""",
        "good": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "fixed": '''\
dependencies = ["torch"]

import functools as _functools

import torch as _torch


def _net(pretrained: bool = False, width: int = 1):
    return _torch.nn.Linear(width, 1)


small = _functools.partial(_net, width=1)  # expect: HUB305
small.__doc__ = """Build `small`.

Args:
    pretrained: Load trained weights. Defaults to False.
    width: Defaults to 1.
"""
def large(pretrained=False):
    """Build `large`.

    Args:
        pretrained: Load trained weights. Defaults to False.
    """
    return _net(pretrained, width=2)  # expect: HUB305
''',
        "trap_text_assigned": """\
dependencies = ["torch"]

import functools as _functools

import torch as _torch


def _net(pretrained: bool = False, width: int = 1):
    return _torch.nn.Linear(width, 1)


small = _functools.partial(_net, width=1)
small.__doc__ = "A line of width 1; pretrained is not used yet, nor is another width."
""",
    },
    "HUB306": {
        "bad": '''\
dependencies = ["torch"]

import torch as _torch


def net39(pretrained: bool = False):
    """Net-68; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)


def net68(pretrained: bool = False):  # expect: HUB306
    """Net-68; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "good": '''\
dependencies = ["torch"]

import torch as _torch


def net39(pretrained: bool = False):
    """Net-39; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)


def net68(pretrained: bool = False):
    """Net-68; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "trap_a_family_of_sizes": '''\
dependencies = ["torch"]

import torch as _torch


def net18(pretrained: bool = False):
    """Net18 from the paper; pretrained is not used yet."""
    return _torch.nn.Linear(18, 1)


def net34(pretrained: bool = False):
    """Net34 from the paper; pretrained is not used yet. Twice as deep as net18."""
    return _torch.nn.Linear(34, 1)
''',
    },
    "HUB307": {
        "bad": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):  # expect: HUB307
    """A line; pretrained is not used yet.

    >>> model = torch.hub.load("acme/net:v1.0", "net"
    """
    return _torch.nn.Linear(1, 1)


def wide(pretrained: bool = False):  # expect: HUB307
    """A wide line; pretrained is not used yet.

    ```python
    model = torch.hub.load("acme/net", "net")
    model = torch.hub.load("acme/net", "wider", pretrained=True)
    ```
    """
    return _torch.nn.Linear(9, 1)
''',
        "good": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet.

    >>> model = torch.hub.load("acme/net:v1.0", "net")
    >>> for parameter in model.parameters():
    ...     print(parameter)
    """
    return _torch.nn.Linear(1, 1)
''',
        "trap_siblings_and_shells": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet.

    ```python
    $ pip install timm
    !wget https://example.org/picture.png
    model = torch.hub.load("acme/net", "net")
    ```

    Its sibling is `torch.hub.load("acme/plane", "plane")`, and before 1.0 it was
    `torch.hub.load("acme/net:v0.9", "line")`.

    ```
    not: python at all
    ```
    ... and so on.
    """
    return _torch.nn.Linear(1, 1)
''',
    },
}
