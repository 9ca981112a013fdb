"""Mistakes that level 3 finds."""

from __future__ import annotations

from tests.plugin.defects.helpers import Defect, call, forward, model

LEVEL3 = (
    Defect(
        "lambda_inside",
        "C313",
        model("def __init__(self):\n    super().__init__()\n    self.act = lambda x: x"),
        model("def __init__(self):\n    super().__init__()\n    self.act = abs"),
        feature=True,
    ),
    Defect(
        "uncommitted",
        "C301",
        call("from shapes import secret\nreturn _Net()"),
        call("from shapes import public\nreturn _Net()"),
    ),
    Defect(
        "cwd_path",
        "C301",
        call('with open("shapes/classes.txt") as file:\n    file.read()\nreturn _Net()'),
        call(
            'with open(_os.path.join(_os.path.dirname(__file__), "shapes/classes.txt")) as file:\n'
            "    file.read()\nreturn _Net()"
        ),
    ),
    Defect(
        "lazy_forward_import",
        "C302",
        forward("import shapes_late; return super().forward(x)"),
        forward("import shapes.public; return super().forward(x)"),
    ),
    Defect(
        "writes_beside_code",
        "C302",
        forward(
            '_Path(__file__).with_name("NAME.txt").write_text("x"); return super().forward(x)'
        ),
        forward('_Path(__file__).with_name("NAME.txt").exists(); return super().forward(x)'),
    ),
    Defect(
        "seeded_by_clock",
        "C304",
        call("g = _torch.Generator()\ng.seed()\nnet = _Net()\n"
              "_torch.nn.init.normal_(net.layers[0].weight, generator=g)\nreturn net"),
        call("net = _Net()\n_torch.nn.init.normal_(net.layers[0].weight)\nreturn net"),
    ),
)  # fmt: skip
