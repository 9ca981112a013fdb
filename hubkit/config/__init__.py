"""The configuration of a repo: ``hubkit.toml``, or ``[tool.hubkit]`` in ``pyproject.toml``."""

from hubkit.config.files import HUBKIT_TOML, read_config
from hubkit.config.selection import SelectionOptions
from hubkit.config.settings import (
    ALL,
    Config,
    EntrypointConfig,
    FileIgnore,
    Values,
    WeightsConfig,
    tool_schema,
)

__all__ = [
    "ALL",
    "HUBKIT_TOML",
    "Config",
    "EntrypointConfig",
    "FileIgnore",
    "SelectionOptions",
    "Values",
    "WeightsConfig",
    "read_config",
    "tool_schema",
]
