from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.facts import Parameter

if TYPE_CHECKING:
    from tests.analysis.conftest import ReadHubconf


def test_every_kind_of_parameter_is_read_as_written(read: ReadHubconf) -> None:
    hubconf = read(
        """
        def net(a, /, b: "int" = 1 + 1, *rest, c, d=dict(
            x=1,
        ), **more): ...
        """
    )
    assert hubconf.entrypoints[0].parameters == (
        Parameter("a", "positional-only"),
        Parameter("b", "positional", "1 + 1", '"int"'),
        Parameter("rest", "var-positional"),
        Parameter("c", "keyword-only"),
        Parameter("d", "keyword-only", "dict(x=1)"),
        Parameter("more", "var-keyword"),
    )
    assert [p.name for p in hubconf.entrypoints[0].parameters if p.required] == ["a", "c"]


def test_a_class_takes_what_its_constructor_or_a_base_in_the_repo_takes(read: ReadHubconf) -> None:
    hubconf = read(
        """
        import torch.nn as nn
        from zoo import Base, Outside
        class Own(nn.Module):
            def __init__(self, depth=1): ...
        class Plain(nn.Module): ...
        class Inherited(Base): ...
        class Unknown(Outside): ...
        """,
        {
            "zoo.py": """
            from torch import nn
            from elsewhere import Outside
            class Root(nn.Module):
                def __init__(self, width): ...
            class Base(Root): ...
            """
        },
    )
    read_names = {
        entry.name: entry.parameters and [p.name for p in entry.parameters]
        for entry in hubconf.entrypoints
    }
    assert read_names == {"Own": ["depth"], "Plain": (), "Inherited": ["width"], "Unknown": None}


def test_columns_count_characters_and_names_are_pointed_at(read: ReadHubconf) -> None:
    hubconf = read('x = "ü"; from zoo import net\n@deco\ndef größe(ä="ö"): ...\n', {"zoo.py": ""})
    assert [(e.name, e.location.line, e.location.column) for e in hubconf.entrypoints] == [
        ("net", 1, 26),
        ("größe", 3, 5),
    ]
    parameters = hubconf.entrypoints[1].parameters
    assert parameters is not None
    assert parameters[0].default == '"ö"'
