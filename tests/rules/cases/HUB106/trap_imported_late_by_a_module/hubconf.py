dependencies = ["torch", "einops"]

from acme_net import net
