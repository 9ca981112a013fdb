"""What a repo says about itself to hubkit: ``[tool.hubkit]`` or ``hubkit.toml``.

``model`` holds the frozen values, ``keys`` what each key may hold, ``values`` how one value is
read, ``files`` where the text comes from. ``hubkit.schema.json`` says the same to editors.
"""

from hubkit.config.files import HUBKIT_TOML, read_config
from hubkit.config.model import (
    ALL,
    KINDS,
    Config,
    EntrypointConfig,
    FileIgnore,
    Kind,
    Values,
    WeightsConfig,
)
from hubkit.config.schema import tool_schema

__all__ = [
    "ALL",
    "HUBKIT_TOML",
    "KINDS",
    "Config",
    "EntrypointConfig",
    "FileIgnore",
    "Kind",
    "Values",
    "WeightsConfig",
    "read_config",
    "tool_schema",
]
