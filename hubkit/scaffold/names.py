"""Names: which are valid, and valid ones derived from a folder's name."""

from __future__ import annotations

import keyword
import re
import sys
import unicodedata

from hubkit.errors import TemplateError

# Longer names would push rendered lines past the formatter's limit.
MAX_LENGTH = 32
MAX_LINE = 200  # characters of an answer

# Top-level modules that two hub repos are likely to share: the second repo to be loaded gets the
# module of the first.
_GENERIC = """
backbone backbones common config configs core data dataset datasets evaluate helper helpers layer
layers lib libs loss losses main misc model models module modules net nets network networks ops
package src test tests tool tools train trainer training util utils
"""
GENERIC_MODULES = frozenset(_GENERIC.split())

# Names that hub repos, or the folders of the scaffold, use for something else.
_TAKEN = """
PIL accelerate audiocraft clip cv2 dependencies diffusers dist docs einops fairseq fvcore hubconf hubkit
huggingface_hub jax keras lightning matplotlib numpy onnx pandas pip pytest pytest_hubkit
pytorch_lightning requests safetensors scipy scripts setuptools skimage sklearn tensorflow timm
tokenizers torch torchaudio torchtext torchvision tqdm transformers triton weights wheel yaml
"""
TAKEN_MODULES = frozenset(_TAKEN.split())

_OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,38}")
_REPO_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def slug(text: str) -> str:
    """A public Python identifier derived from any text; empty if no character can be kept.

    ``"My Model"`` becomes ``my_model``, ``"3D-Net"`` ``net_3d_net``, and ``"class"``
    ``class_net``.
    """
    words = re.findall(r"[a-z0-9]+", _ascii(text).lower())
    name = "_".join(words)[:MAX_LENGTH].strip("_")
    if name[:1].isdigit():
        name = f"net_{name}"[:MAX_LENGTH].strip("_")
    if name and (keyword.iskeyword(name) or is_reserved(name)):
        name = f"{name[: MAX_LENGTH - 4]}_net"
    return name


def repo_slug(text: str) -> str:
    """The name of a repo as git hosts derive it; empty if no character can be kept."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", _ascii(text)).strip("-.")[:100]


def snake_case(name: str) -> str:
    """The name of a class as functions are named; terms of the field stay whole.

    ``"AttentionUNet"`` becomes ``attention_unet``, ``"VGG16BN"`` ``vgg16_bn``, and
    ``"MobileNetV2"`` ``mobilenet_v2``.
    """
    return "_".join(map(_split_words, name.split("_"))).strip("_")


# Words such as UNet, ResNet, CycleGAN and ConvNeXt; 2d; V2 and B0; YOLO before v5; MLP; Mixer.
_WORDS = re.compile(
    r"nnUNet|GoogLeNet|DeepLab|ViT|NeRF|(?:[A-Z]+|[A-Z]?[a-z]+)(?:Net(?![a-z])|GAN|NeXt|Former)|\d+(?:[dD](?![a-z]))?"
    r"|[A-Z]\d+|^[a-z][A-Z](?:[A-Z]+(?![a-z])|[a-z]+)|[A-Z]+(?=v\d)|[A-Z]+(?![a-z])|[A-Z]?[a-z]+"
)


def _split_words(part: str) -> str:
    words = _WORDS.findall(part)
    if "".join(words) != part:
        return part.lower()
    # Numbers, and the letters around them as in yolov5s, belong to the word before.
    joined = "".join(
        word if word[0].isdigit() or (len(word) == 1 and word.islower()) else f"_{word}"
        for word in words
    )
    return joined.strip("_").lower()


def _ascii(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    return decomposed.encode("ascii", "ignore").decode("ascii")


def is_reserved(module: str) -> bool:
    """Whether a repo should not use the name for a module of its own."""
    return module in sys.stdlib_module_names or module in GENERIC_MODULES or module in TAKEN_MODULES


def require_identifier(text: str) -> str:
    """Return the text if it is a short, public ASCII identifier.

    Raises:
        TemplateError: It is not.
    """
    if not _IDENTIFIER.fullmatch(text):
        raise TemplateError(
            f"{text!r} is not a Python identifier", hint=_suggest("letters, digits and _", text)
        )
    if keyword.iskeyword(text):
        raise TemplateError(f"{text!r} is a Python keyword", hint=_suggest("another name", text))
    if text == "dependencies":
        raise TemplateError(
            "'dependencies' is reserved for the list of modules that a hubconf needs",
            hint="Choose another name.",
        )
    if text.startswith("_"):
        raise TemplateError(
            f"{text!r} starts with an underscore, which hides it from torch.hub.list",
            hint=_suggest("a public name", text),
        )
    if len(text) > MAX_LENGTH:
        raise TemplateError(
            f"{text!r} is longer than {MAX_LENGTH} characters",
            hint=_suggest("a shorter name", text),
        )
    return text


def require_module(text: str) -> str:
    """Return the text if it is a good name for a repo's package.

    Raises:
        TemplateError: It is not an identifier, or is used by other packages.
    """
    require_identifier(text)
    if text in GENERIC_MODULES:
        raise TemplateError(
            f"{text!r} is too generic: two hub repos with a module of that name cannot be loaded in "
            "one process",
            hint=_suggest("a specific name", text),
        )
    if is_reserved(text):
        raise TemplateError(
            f"{text!r} would hide a well-known module of that name",
            hint=_suggest("a specific name", text),
        )
    return text


def require_repo(text: str) -> str:
    """Return the text if it is ``owner/name`` as GitHub allows it.

    Raises:
        TemplateError: It is not.
    """
    owner, slash, name = text.partition("/")
    usable = _OWNER.fullmatch(owner) and _REPO_NAME.fullmatch(name) and name.strip(".")
    if not slash or not usable or name.endswith(".git"):
        raise TemplateError(
            f"{text!r} is not owner/name",
            hint="For example: --repo acme/shapes",
        )
    return text


def require_line(text: str) -> str:
    """Return the text if it is one printable, non-empty line of at most 200 characters.

    Raises:
        TemplateError: It is not.
    """
    line = text.strip()
    if not line:
        raise TemplateError("The text is empty", hint="Write a few words.")
    if len(line) > MAX_LINE or not line.isprintable():
        raise TemplateError(
            f"{line[:60]!r} is not one printable line of at most {MAX_LINE} characters",
            hint="Remove line breaks and control characters.",
        )
    return line


def require_integer(text: str) -> int:
    """The whole number that the text spells.

    Raises:
        TemplateError: It is not one, or has more than 18 digits.
    """
    if not re.fullmatch(r"-?[0-9]{1,18}", text.strip()):
        raise TemplateError(
            f"{text[:60]!r} is not a whole number", hint="Write digits only, such as 16."
        )
    return int(text)


def _suggest(kind: str, text: str) -> str:
    proposal = slug(text)
    usable = proposal and proposal != text
    return f"Choose {kind}, such as {proposal!r}." if usable else f"Choose {kind}."
