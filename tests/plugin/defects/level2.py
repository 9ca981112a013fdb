"""Mistakes that level 2 finds."""

from __future__ import annotations

from tests.plugin.defects.helpers import (
    FORWARD,
    INPUT,
    PLAIN,
    Defect,
    call,
    example,
    forward,
    model,
)

LEVEL2 = (
    Defect(
        "wrong_input",
        "C201",
        call("return _Net(inputs=5)"),
        PLAIN,
    ),
    Defect(
        "wrong_output",
        "C202",
        forward("return super().forward(x)[:, :1]"),
        model(FORWARD),
        f'{INPUT}\noutput = "f32[B,2]"',
    ),
    Defect(
        "not_finite",
        "C203",
        forward("return super().forward(x) / (x[:, :2] - x[:, :2])"),
        forward("return super().forward(x) / (x[:, :2].abs() + 1)"),
    ),
    Defect(
        "noisy",
        "C204",
        forward("return super().forward(_F.dropout(x, 0.5))"),
        forward("return super().forward(_F.dropout(x, 0.5, self.training))"),
    ),
    Defect(
        "remembers",
        "C204",
        model(
            "last = 0\n\ndef forward(self, x):\n    self.last = self.last + 1\n"
            "    return super().forward(x) * self.last"
        ),
        model("last = 0\n\ndef forward(self, x):\n    return super().forward(x) * (self.last + 1)"),
    ),
    Defect(
        "counts",
        "C205",
        model(
            'def __init__(self):\n    super().__init__()\n'
            '    self.register_buffer("seen", _torch.zeros(1))\n\n'
            "def forward(self, x):\n    self.seen += 1\n    return super().forward(x)"
        ),
        model(
            'def __init__(self):\n    super().__init__()\n'
            '    self.register_buffer("seen", _torch.zeros(1))\n\n'
            "def forward(self, x):\n    if self.training:\n        self.seen += 1\n"
            "    return super().forward(x)"
        ),
    ),
    Defect(
        "writes_to_input",
        "C205",
        forward("y = super().forward(x); x.zero_(); return y"),
        forward("y = super().forward(x); x.clone().zero_(); return y"),
    ),
    Defect(
        "draws",
        "C205",
        forward("_torch.rand(1); return super().forward(x)"),
        forward("_torch.ones(1); return super().forward(x)"),
    ),
    Defect(
        "train_gives_nothing",
        "C206",
        model("def train(self, mode=True):\n    super().train(mode)"),
        model("def train(self, mode=True):\n    return super().train(mode)"),
    ),
    Defect(
        "secret_in_state",
        "C207",
        model('def get_extra_state(self):\n    return {"decode": lambda x: x}\n\n'
               "def set_extra_state(self, state):\n    pass"),
        model('def get_extra_state(self):\n    return {"decode": 1}\n\n'
               "def set_extra_state(self, state):\n    pass"),
    ),
    Defect(
        "counted_names",
        "C207",
        "_NAME = []\n\n\n"
        + call('_NAME.append(1)\nnet = _Net()\n'
                'net.add_module(f"head{len(_NAME)}", _torch.nn.Linear(2, 2))\nreturn net'),
        "_NAME = []\n\n\n"
        + call('_NAME.append(1)\nnet = _Net()\n'
                'net.add_module("head", _torch.nn.Linear(2, 2))\nreturn net'),
    ),
    Defect(
        "hidden_tensor",
        "C207",
        model("def __init__(self):\n    super().__init__()\n    self.mix = _torch.rand(2)\n\n"
               "def forward(self, x):\n    return super().forward(x) * self.mix.to(x)"),
        model("def __init__(self):\n    super().__init__()\n"
               '    self.register_buffer("mix", _torch.rand(2))\n\n'
               "def forward(self, x):\n    return super().forward(x) * self.mix"),
    ),
    Defect(
        "tied",
        "C208",
        model("def __init__(self):\n    super().__init__()\n    self.again = self.layers[0]"),
        model("def __init__(self):\n    super().__init__()\n    self.again = None"),
        feature=True,
    ),
    Defect(
        "lock",
        "C209",
        model("def __init__(self):\n    super().__init__()\n    self.lock = _threading.Lock()"),
        model("def __init__(self):\n    super().__init__()\n    self.lock = None"),
    ),
    Defect(
        "class_in_hubconf",
        "C210",
        model("pass"),
        PLAIN,
        feature=True,
    ),
    Defect(
        "batch_mean",
        "C211",
        forward("return super().forward(x - x.mean())"),
        forward("return super().forward(x - x.mean(1, keepdim=True))"),
    ),
    Defect(
        "no_gradient",
        "C212",
        forward("return super().forward(x).detach()"),
        model(FORWARD),
        f"{INPUT}\ntrainable = true",
    ),
    Defect(
        "one_type_only",
        "C213",
        forward("return super().forward(x.float())"),
        forward("return super().forward(x)"),
        feature=True,
    ),
    Defect(
        "cpu_tensor",
        "C214",
        forward("return super().forward(x) + _torch.ones(2)"),
        # What looks at numbers cannot be judged without an accelerator.
        forward("return (super().forward(x) + x.new_ones(2))[x[:, 0] < 77]"),
        feature=True,
    ),
    Defect(
        "example_fails",
        "C215",
        example("net(torch.rand(2, 5))"),
        example("net(torch.rand(2, 4)).shape"),
        feature=True,
    ),
    Defect(
        "example_ends_the_process",
        "C215",
        example("import os; os._exit(3)"),
        example("import os; os.getpid()"),
        feature=True,
    ),
    Defect(
        "state_on_forward",
        "C216",
        forward("_torch.set_num_threads(1 + _torch.get_num_threads()); return super().forward(x)"),
        forward("_torch.get_num_threads(); return super().forward(x)"),
    ),
)  # fmt: skip
