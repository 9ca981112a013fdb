"""Mistakes that level 1 finds."""

from __future__ import annotations

from tests.plugin.defects.helpers import PLAIN, Defect, call

LEVEL1 = (
    Defect(
        "undeclared_lazy",
        "C102",
        call("import numpy\nreturn _Net()"),
        call("import math\nreturn _Net()"),
    ),
    Defect(
        "is_not_none",
        "C106",
        call(
            "net = _Net()\nif pretrained is not None:\n"
            '    net.load_state_dict(_load_early("https://weights.example.org/n-0123abcd.pth"))\n'
            "return net"
        ),
        call(
            "net = _Net()\nif pretrained:\n"
            '    net.load_state_dict(_load_early("https://weights.example.org/n-0123abcd.pth"))\n'
            "return net"
        ),
    ),
    Defect(
        "false_is_no_name",
        "C106",
        'def NAME(pretrained="imagenet"):\n    """Score four numbers."""\n    net = _Net()\n'
        "    if pretrained is not None:\n"
        '        net.load_state_dict(_load_early("https://weights.example.org/n-0123abcd.pth"))\n'
        "    return net\n",
        'def NAME(pretrained="imagenet"):\n    """Score four numbers."""\n    net = _Net()\n'
        "    if pretrained:\n"
        '        net.load_state_dict(_load_early("https://weights.example.org/n-0123abcd.pth"))\n'
        "    return net\n",
    ),
    Defect(
        "nested_hub",
        "C106",
        call('_torch.hub.load("someone/else", "net")\nreturn _Net()'),
        call('if pretrained:\n    _torch.hub.load("someone/else", "net")\nreturn _Net()'),
    ),
    Defect(
        "trainer_return",
        "C107",
        "class _NAME:\n    net = _Net()\n\n\n" + call("return _NAME()"),
        "class _NAME:\n    net = _Net()\n\n\n" + call("return _NAME().net"),
    ),
    Defect("pair_return", "C107", call('return _Net(), ["cat", "dog"]'), PLAIN),
    Defect("silent", "C104", "def NAME(pretrained=False):\n    return _Net()\n", PLAIN),
    Defect(
        "partial_help",
        "C104",
        'def _NAME(width, pretrained=False):\n    """Score."""\n    return _Net(width)\n\n\n'
        "NAME = _partial(_NAME, 4)\n",
        PLAIN,
    ),
    Defect(
        "reserved_verbose",
        "C105",
        'def NAME(verbose=False):\n    """Score four numbers."""\n    return _Net()\n',
        'def NAME(loud=False):\n    """Score four numbers."""\n    return _Net()\n',
    ),
    Defect(
        "shared_default",
        "C105",
        'def NAME(pretrained=False, head=_torch.nn.Linear(2, 2)):\n    """Score four numbers."""\n'
        "    return _Net()\n",
        'def NAME(pretrained=False, head=_torch.nn.Linear):\n    """Score four numbers."""\n'
        "    return _Net()\n",
    ),
    Defect(
        "fails",
        "C106",
        call('return _Net(width="four")'),
        call("return _Net(width=4)"),
    ),
    Defect(
        "registers_in_call",
        "C108",
        '_NAME = set()\n\n\n'
        + call('if "NAME" in _NAME:\n    raise KeyError("twice")\n_NAME.add("NAME")\nreturn _Net()'),
        '_NAME = set()\n\n\n' + call('_NAME.add("NAME")\nreturn _Net()'),
    ),
    Defect(
        "state_on_load",
        "C109",
        call("_torch.set_default_dtype(_torch.float64)\nreturn _Net().float()"),
        call(
            "old = _torch.get_default_dtype()\n_torch.set_default_dtype(_torch.float64)\n"
            "try:\n    return _Net().float()\nfinally:\n    _torch.set_default_dtype(old)"
        ),
    ),
    Defect(
        "environment_on_load",
        "C109",
        call('_os.environ["NAME"] = "1"\nreturn _Net()'),
        call('_os.environ.get("NAME")\nreturn _Net()'),
    ),
    Defect(
        "reseeds",
        "C110",
        call("_torch.manual_seed(0)\nreturn _Net()"),
        call("with _torch.random.fork_rng():\n    _torch.manual_seed(0)\n    return _Net()"),
    ),
    Defect(
        "logs",
        "C111",
        call('_logging.info("loading")\nreturn _Net()'),
        call('_logging.getLogger("NAME").info("loading")\nreturn _Net()'),
        feature=True,
    ),
    Defect(
        "prints",
        "C111",
        call('print("loading")\nreturn _Net()'),
        call('if pretrained:\n    print("loading")\nreturn _Net()'),
        feature=True,
    ),
)  # fmt: skip
