dependencies = ["torch"]

try:
    import megengine as _megengine
except ImportError:
    _megengine = None

from acme_nets import net
