from acme.net import net


class Block:
    """A block."""
