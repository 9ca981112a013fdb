dependencies = ["torch", "timm"]

from acme import net
