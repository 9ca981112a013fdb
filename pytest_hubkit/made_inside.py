"""Whether a run can have made tensors of its own, or taken some elsewhere: if not, it stays put."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_hubkit.trees import find_tensors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import torch

# What moves a tensor, or hands its numbers to other code.
_LEAVING = frozenset(("cpu", "cuda", "numpy", "to", "tolist", "item", "__array__", "type"))


def watched(model: torch.nn.Module, noted: list[str]) -> Callable[..., Any]:
    """A model that notes calls of torch that are given no tensor or may lead to another device.

    Args:
        model: The model.
        noted: Where names of what is called go.
    """
    from torch.overrides import TorchFunctionMode

    class Watch(TorchFunctionMode):
        def __torch_function__(
            self,
            func: Callable[..., Any],
            types: Any,  # noqa: ANN401 - torch's signature
            args: tuple[Any, ...] = (),
            kwargs: dict[str, Any] | None = None,
        ) -> Any:  # noqa: ANN401
            given = kwargs or {}
            name = getattr(func, "__name__", str(func))
            if name in _LEAVING or not any(_tensors((*args, *given.values()))):
                noted.append(name)
            return func(*args, **given)

    def run(*args: object, **kwargs: object) -> Any:  # noqa: ANN401
        with Watch():
            return model(*args, **kwargs)

    return run


def _tensors(values: tuple[Any, ...]) -> Iterator[bool]:
    return (True for value in values for _ in find_tensors(value))


def find_unregistered(model: torch.nn.Module) -> Iterator[str]:
    """Tensors that ``Module.to`` does not reach, by where they hang.

    Args:
        model: The model.
    """
    import torch

    known = vars(torch.nn.Module())
    for path, module in model.named_modules():
        for name, value in vars(module).items():
            if name not in known and any(find_tensors(value)):
                yield f"{path}.{name}" if path else name
