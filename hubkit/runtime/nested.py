"""What ``torch.hub`` means to a repo's code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Function = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class HubFunctions:
    """The functions that a repo's calls of ``torch.hub`` go to, each with torch's signature."""

    load: Function
    list: Function
    help: Function
    load_state_dict_from_url: Function
    download_url_to_file: Function
    get_dir: Function
    set_dir: Function
