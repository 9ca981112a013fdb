dependencies = ["torch"]

from acme_parts import *

__all__ = ["net", "net_small"]
