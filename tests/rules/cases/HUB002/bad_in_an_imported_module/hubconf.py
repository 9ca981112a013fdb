dependencies = ["torch"]

from acme.net import net
from acme.blocks import Block as _Block
