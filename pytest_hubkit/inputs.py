"""Example input: declared, from the hook, known to the model, or guessed from its first layer.

It is declared in a notation of one line per tensor, such as ``f32[B,3,H,W] in [0,1]``::

    tensor = dtype "[" [dim {"," dim}] "]" [range]
    dim    = 3 | H | 14n                 a size, a name, a multiple of a size
    range  = "in [" low "," high "]"     uniform, both ends included for integers
           | "<" bound                   integers from 0 up to, not including, the bound

``B`` is the batch. Sizes of names come from ``dims``, else from `DEFAULT_SIZES`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from hubkit._util.text import suggest
from hubkit.errors import ConfigError
from pytest_hubkit.case import parameters_of
from pytest_hubkit.tensors import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import torch

    from pytest_hubkit.case import Case


BATCH = "B"
_SEED = 0
_IMAGE = 64


class HookedEntrypoint(Struct, frozen=True):
    """The entrypoint for which the hook ``pytest_hubkit_inputs`` is called.

    Attributes:
        name: Its name in hubconf.
        case: The name of the case, "" if there is only one.
        kind: What it returns.
        arguments: What it was called with.
    """

    name: str
    case: str = ""
    kind: str = "model"
    arguments: Mapping[str, Any] = field(default_factory=dict)


class Inputs(Struct, frozen=True):
    """Example input, ready to be passed.

    Attributes:
        args: By position.
        kwargs: By name.
        provenance: Where it comes from, in words.
        provisional: Whether it was guessed, so that a failure proves nothing about the model.
        sizes: Sizes of named axes.
        specs: The notation of each argument, positional ones first, if it has one.
    """

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    provenance: str
    provisional: bool = False
    sizes: Mapping[str, int] = field(default_factory=dict)
    specs: tuple[TensorSpec, ...] = ()

    @property
    def values(self) -> tuple[Any, ...]:
        """All of them in order."""
        return (*self.args, *self.kwargs.values())

    @property
    def batch(self) -> int:
        """The size of the batch, or of the list of samples; 0 if there is neither."""
        if BATCH in self.sizes:
            return self.sizes[BATCH]
        return next((len(one) for one in self.values if _is_samples(one)), 0)

    def row(self, number: int) -> Inputs:
        """One row of the batch, as a batch of one."""
        if BATCH not in self.sizes:
            rows = self.batch
            return self.mapped(
                lambda one: [one[number]] if _is_samples(one) and len(one) == rows else one
            )
        cut = [_cut(one, spec, number) for one, spec in zip(self.values, self.specs, strict=True)]
        names = dict(zip(self.kwargs, cut[len(self.args) :], strict=True))
        return self.replaced(tuple(cut[: len(self.args)]), names)

    def replaced(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Inputs:
        """The same with other values."""
        return Inputs(args, kwargs, self.provenance, self.provisional, self.sizes, self.specs)

    def mapped(self, change: Callable[[Any], Any]) -> Inputs:
        """The same with every value changed."""
        kwargs = {name: change(one) for name, one in self.kwargs.items()}
        return self.replaced(tuple(map(change, self.args)), kwargs)


def _is_samples(value: Any) -> bool:  # noqa: ANN401
    """Whether a value is a list of samples, as detectors take images."""
    import torch

    return isinstance(value, list) and all(isinstance(one, torch.Tensor | dict) for one in value)


def _cut(value: Any, spec: TensorSpec, number: int) -> Any:  # noqa: ANN401
    for axis, dim in enumerate(spec.dims):
        if dim == BATCH:
            value = value.narrow(axis, number, 1)
    return value


def make_inputs(
    declared: str | tuple[str, ...] | Mapping[str, str],
    sizes: Mapping[str, int | str],
    provenance: str,
    *,
    provisional: bool = False,
) -> Inputs:
    """Tensors for input in the notation: the same values each time.

    Args:
        declared: The notation: one value, several in order, or several by name.
        sizes: Sizes of named axes.
        provenance: Where the notation comes from.
        provisional: Whether it is a guess.

    Raises:
        ConfigError: It cannot be read.
    """
    import torch

    generator = torch.Generator().manual_seed(_SEED)
    texts = declared_texts(declared)
    specs = tuple(map(read_tensor, texts))
    values = tuple(spec.make(sizes, generator) for spec in specs)
    named: dict[str, int] = {}
    for spec in specs:
        named.update(spec.sizes(sizes))
    if not isinstance(declared, str | tuple):
        kwargs = dict(zip(declared, values, strict=True))
        return Inputs((), kwargs, provenance, provisional, named, specs)
    return Inputs(values, {}, provenance, provisional, named, specs)


def declared_texts(declared: str | tuple[str, ...] | Mapping[str, str]) -> tuple[str, ...]:
    """The notation of each declared value."""
    if isinstance(declared, str):
        return (declared,)
    return declared if isinstance(declared, tuple) else tuple(declared.values())


def find_declared(case: Case) -> Inputs | None:
    """The input that the configuration declares, or None."""
    declared, sizes = case.config.input, case.config.dims
    if declared is None:
        return None
    specs = [read_tensor(text) for text in declared_texts(declared)]
    where = f"input {_show(declared)} in {case.place}{_guesses(specs, sizes)}"
    return make_inputs(declared, sizes, where)


def read_answer(answer: Any, provenance: str) -> Inputs:  # noqa: ANN401
    """Input from a hook or a model.

    Args:
        answer: A table with ``args`` and ``kwargs``, a table of keyword arguments, a tuple or list
            of arguments, or one argument.
        provenance: Where it comes from.
    """
    if isinstance(answer, dict):
        if set(answer) <= {"args", "kwargs"}:
            return Inputs(tuple(answer.get("args", ())), dict(answer.get("kwargs", {})), provenance)
        return Inputs((), dict(answer), provenance)
    if isinstance(answer, tuple | list):
        return Inputs(tuple(answer), {}, provenance)
    return Inputs((answer,), {}, provenance)


def find_known(
    model: Any,  # noqa: ANN401
    function: Callable[..., Any],
    case: Case,
) -> Iterator[Inputs]:
    """Input that the model or its weights describe, as in timm, torchvision, Lightning, transformers."""
    size = _smallest_image(function)
    if size:
        text = f"f32[B,3,{size},{size}]"
        yield make_inputs(text, case.config.dims, f"{text} from the metadata of its weights")
        return
    for name in ("pretrained_cfg", "default_cfg"):
        cfg = getattr(model, name, None)
        shape = cfg.get("input_size") if isinstance(cfg, dict) else getattr(cfg, "input_size", None)
        if isinstance(shape, tuple | list) and all(isinstance(one, int) for one in shape):
            text = f"f32[B,{','.join(map(str, shape))}]"
            yield make_inputs(text, case.config.dims, f"{text} from the model's {name}")
            return
    for name in ("example_input_array", "dummy_inputs"):
        try:
            example = getattr(model, name, None)
        except Exception:  # noqa: BLE001, S112 - properties of theirs may fail
            continue
        if example is not None:
            yield read_answer(example, f"the model's {name}")
            return


def _smallest_image(function: Callable[..., Any]) -> int:
    """The smallest height and width in torchvision's enumeration of weights, or 0."""
    for parameter in parameters_of(function):
        for source in (parameter.default, getattr(parameter.annotation, "DEFAULT", None)):
            meta = getattr(source, "meta", None)
            least = meta.get("min_size") if isinstance(meta, dict) else None
            if isinstance(least, tuple | list) and least:
                return max(_IMAGE, *map(int, least))
    return 0


def _show(declared: object) -> str:
    if isinstance(declared, str):
        return f'"{declared}"'
    return str(list(declared) if isinstance(declared, tuple) else declared)


def _guesses(specs: list[TensorSpec], sizes: Mapping[str, int | str]) -> str:
    names = dict.fromkeys(name for spec in specs for name in spec.guessed(sizes))
    shown = ", ".join(f"{name} = {TensorSpec('', '', (name,)).shape({})[0]}" for name in names)
    return f", with {shown} by default" if shown else ""


# Large enough for five halvings; and what most classifiers were made for.
_IMAGES = (64, 224)
# Few channels are those of audio or points. Many are features, such as those of a spectrogram,
# which a vocoder makes hundreds of samples of each.
_SAMPLES = (4096, 16000)
_FRAMES = (64, 1024)
_FEATURES = 16


def guess_inputs(model: torch.nn.Module, sizes: Mapping[str, int | str]) -> Iterator[Inputs]:
    """Inputs that the model may take, the likeliest first."""
    for name, layer in model.named_modules():
        texts = _texts(layer)
        if not texts:
            continue
        kind = type(layer).__name__
        for text in texts:
            where = f"{text}, guessed from the first layer, {name or 'the model itself'} ({kind})"
            yield make_inputs(text, sizes, where, provisional=True)
        return


def suggest_input(model: Any) -> str:  # noqa: ANN401
    """A declaration of input in the form that a model takes, for messages.

    Args:
        model: The model.

    Returns:
        A line such as ``input = { x = "f64[B,16]", edge_index = "i64[2,E] < 4" }``.
    """
    names = [one for one in parameters_of(getattr(model, "forward", model))
             if one.default is one.empty and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]  # fmt: skip
    first = _form_of_first_layer(model)
    if len(names) < 2 and not any(one.kind is one.KEYWORD_ONLY for one in names):
        return f'input = "{first or _form_by_name(names[0].name if names else "x", model)}"'
    forms = [_form_by_name(one.name, model) for one in names]
    shown = (
        f'{one.name} = "{form}"'
        for one, form in zip(names, [first or forms[0], *forms[1:]], strict=True)
    )
    return f"input = {{ {', '.join(shown)} }}"


_AXES = {"Conv1d": "T", "Conv2d": "H,W", "Conv3d": "D,H,W"}


def _form_of_first_layer(model: Any) -> str:  # noqa: ANN401
    import torch

    layers = model.modules() if isinstance(model, torch.nn.Module) else ()
    for layer in layers:
        texts = _texts(layer)
        if texts:
            axes = _AXES.get(type(layer).__name__)
            form = f"f32[B,{layer.in_channels},{axes}]" if axes else texts[0]
            return form.replace("f32", _float_of(layer))
    return ""


# What parameters with such words in their names take.
_FORMS = (
    ("index", "i64[2,E] < 4"),
    ("mask", "bool[B,T]"),
    ("ids", "i64[B,T] < 100"),
    ("token", "i64[B,T] < 100"),
    ("length", "i64[B] < 16"),
)


def _form_by_name(name: str, model: Any) -> str:  # noqa: ANN401
    found = next((form for word, form in _FORMS if word in name.lower()), "")
    return found or f"{_float_of(model)}[B,N]"


def _float_of(model: Any) -> str:  # noqa: ANN401
    """The notation of the model's floating point type."""
    import torch

    parameters = model.parameters() if isinstance(model, torch.nn.Module) else ()
    dtype = next((one.dtype for one in parameters if one.is_floating_point()), torch.float32)
    names = {name: short for short, name in DTYPES.items()}
    return names.get(str(dtype).removeprefix("torch."), "f32")


def _texts(layer: torch.nn.Module) -> tuple[str, ...]:
    from torch import nn

    if isinstance(layer, nn.Embedding):
        return (f"i64[B,T] < {layer.num_embeddings}",)
    if isinstance(layer, nn.Linear):
        features = layer.in_features
        return (f"f32[B,{features}]", f"f32[B,T,{features}]")
    if isinstance(layer, nn.Conv1d):
        channels = layer.in_channels
        sizes = _FRAMES if channels >= _FEATURES else _SAMPLES
        return tuple(f"f32[B,{channels},{size}]" for size in sizes)
    if isinstance(layer, nn.Conv2d):
        return tuple(f"f32[B,{layer.in_channels},{size},{size}]" for size in _IMAGES)
    if isinstance(layer, nn.Conv3d):
        return (f"f32[B,{layer.in_channels},8,64,64]",)
    if isinstance(layer, nn.RNNBase):
        axes = "B,T" if layer.batch_first else "T,B"
        return (f"f32[{axes},{layer.input_size}]",)
    return ()


DTYPES = {
    "f16": "float16",
    "bf16": "bfloat16",
    "f32": "float32",
    "f64": "float64",
    "i8": "int8",
    "i16": "int16",
    "i32": "int32",
    "i64": "int64",
    "u8": "uint8",
    "bool": "bool",
    "c64": "complex64",
}
# Small, and still large enough for five halvings of an image.
DEFAULT_SIZES = {"B": 2, "H": 64, "W": 64}
DEFAULT_SIZE = 16

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_TENSOR = re.compile(
    rf"(?P<dtype>\w+)\s*\[(?P<dims>[^\]]*)\]\s*"
    rf"(?:in\s*\[\s*(?P<low>{_NUMBER})\s*,\s*(?P<high>{_NUMBER})\s*\]|<\s*(?P<bound>\d+))?"
)
_MULTIPLE = re.compile(r"([1-9]\d*)\s*n")
_HINT = 'For example: "f32[B,3,H,W] in [0,1]" or "i64[B,T] < 1000"'

Size = int | str


class TensorSpec(Struct, frozen=True):
    """The description of an example tensor.

    Attributes:
        text: The notation.
        dtype: Its type in torch, such as "float32".
        dims: A size, a name, or a multiple such as "14n", per axis.
        low: Smallest value, or None without a range.
        high: Largest value, included for integers.
    """

    text: str
    dtype: str
    dims: tuple[Size, ...]
    low: float | None = None
    high: float | None = None

    def shape(self, sizes: Mapping[str, Size]) -> tuple[int, ...]:
        """Its shape.

        Args:
            sizes: Sizes of named axes, as numbers or as multiples such as "14n".
        """
        return tuple(_size(dim, sizes) for dim in self.dims)

    def sizes(self, sizes: Mapping[str, Size]) -> dict[str, int]:
        """The size of each axis that has a name.

        Args:
            sizes: As for `shape`.
        """
        shape = zip(self.dims, self.shape(sizes), strict=True)
        return {dim: size for dim, size in shape if isinstance(dim, str) and dim.isidentifier()}

    def guessed(self, sizes: Mapping[str, Size]) -> tuple[str, ...]:
        """Names of axes whose size is not declared, other than the batch."""
        return tuple(
            dict.fromkeys(
                dim
                for dim in self.dims
                if isinstance(dim, str) and dim.isidentifier() and dim not in sizes and dim != "B"
            )
        )

    def make(self, sizes: Mapping[str, Size], generator: torch.Generator) -> torch.Tensor:
        """A random tensor of this kind.

        Args:
            sizes: Sizes of named axes.
            generator: Source of its values: uniform in the range; without one, normal for floats,
                0 and 1 for integers.
        """
        import torch

        shape, dtype = self.shape(sizes), getattr(torch, self.dtype)
        if not (dtype.is_floating_point or dtype.is_complex):
            low, high = int(self.low or 0), int(1 if self.high is None else self.high)
            return torch.randint(low, high + 1, shape, generator=generator).to(dtype)
        if self.low is None or self.high is None:
            return torch.randn(shape, generator=generator).to(dtype)
        span = self.high - self.low
        return (self.low + span * torch.rand(shape, generator=generator)).to(dtype)


def read_tensor(text: str) -> TensorSpec:
    """Parse the notation.

    Raises:
        ConfigError: It is not valid.
    """
    match = _TENSOR.fullmatch(text.strip())
    if match is None:
        raise ConfigError(f"{text!r} is not the notation of a tensor", hint=_HINT)
    dtype = DTYPES.get(match["dtype"])
    if dtype is None:
        raise ConfigError(
            f"{text!r} begins with {match['dtype']!r}, which is not a dtype",
            hint=suggest(match["dtype"], DTYPES),
        )
    low, high = _range(match)
    if low is not None and high is not None and low > high:
        raise ConfigError(f"The range in {text!r} is empty", hint=_HINT)
    return TensorSpec(text, dtype, tuple(_dims(match["dims"], text)), low, high)


def _range(match: re.Match[str]) -> tuple[float | None, float | None]:
    if match["bound"]:
        return 0, int(match["bound"]) - 1
    if match["low"]:
        return float(match["low"]), float(match["high"])
    return None, None


def _dims(text: str, whole: str) -> Iterator[Size]:
    for part in text.split(",") if text.strip() else ():
        dim = part.strip()
        if dim.isdecimal():
            yield int(dim)
        elif dim.isidentifier() or _MULTIPLE.fullmatch(dim):
            yield dim
        else:
            raise ConfigError(f"{whole!r} has an invalid axis {dim!r}", hint=_HINT)


def _size(dim: Size, sizes: Mapping[str, Size]) -> int:
    if isinstance(dim, int):
        return dim
    default = DEFAULT_SIZES.get(dim, DEFAULT_SIZE)
    declared = sizes.get(dim, default) if dim.isidentifier() else dim
    if isinstance(declared, int):
        return declared
    match = _MULTIPLE.fullmatch(declared)
    if match is None:
        raise ConfigError(f"The size {declared!r} of axis {dim!r} is invalid", hint=_HINT)
    unit = int(match[1])
    # The smallest valid size that is not tiny.
    return unit * max(1, -(-default // unit))


def find_mismatches(
    declared: str | tuple[str, ...] | Mapping[str, str],
    output: Any,  # noqa: ANN401
    sizes: Mapping[str, int],
) -> Iterator[str]:
    """Differences between an output and its declaration, in words.

    Args:
        declared: The notation: one tensor, several in order, or several by name.
        output: What the model returned.
        sizes: Sizes of named axes of the input.

    Raises:
        ConfigError: The notation cannot be read.
    """
    known = dict(sizes)
    if isinstance(declared, str):
        yield from _check_tensor(read_tensor(declared), output, "output", known)
    elif isinstance(declared, tuple):
        if not isinstance(output, tuple | list) or len(output) != len(declared):
            yield f"output: {len(declared)} values are declared, but it returns {describe(output)}"
            return
        for number, (text, value) in enumerate(zip(declared, output, strict=True)):
            yield from _check_tensor(read_tensor(text), value, f"output[{number}]", known)
    else:
        for name, text in declared.items():
            found, value = _look_up(output, name)
            if found:
                yield from _check_tensor(read_tensor(text), value, f"output[{name!r}]", known)
            else:
                yield f"output: {name!r} is declared, but it returns {describe(output)}"


def _look_up(output: Any, name: str) -> tuple[bool, Any]:  # noqa: ANN401
    try:
        return True, output[name]
    except (KeyError, TypeError, IndexError):
        return hasattr(output, name), getattr(output, name, None)


def _check_tensor(spec: TensorSpec, value: Any, path: str, known: dict[str, int]) -> Iterator[str]:  # noqa: ANN401
    import torch

    if not isinstance(value, torch.Tensor):
        yield f"{path}: a {type(value).__name__}, not {spec.text}"
        return
    seen = f"{path}: {describe(value)}, not {spec.text}"
    if value.dtype != getattr(torch, spec.dtype) or value.dim() != len(spec.dims):
        yield seen
        return
    for dim, size in zip(spec.dims, value.shape, strict=True):
        wanted = dim if isinstance(dim, int) else known.setdefault(dim, size)
        if dim in known and wanted != size:
            yield f"{seen}: {dim} is {wanted} elsewhere"
            return
        if isinstance(dim, int) and size != dim:
            yield seen
            return
    yield from _check_range(spec, value, path)


def _check_range(spec: TensorSpec, value: Any, path: str) -> Iterator[str]:  # noqa: ANN401
    if spec.low is None or spec.high is None or value.is_meta or not value.numel():
        return
    low, high = value.min().item(), value.max().item()
    if low < spec.low or high > spec.high:
        yield f"{path}: values from {low:.4g} to {high:.4g}, not {spec.text}"
