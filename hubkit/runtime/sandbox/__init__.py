"""The one guard of the network, and the keeper of the state of the process.

Both the probe and the conformance suite use it. docs/security.md lists what is stopped, what is
only noticed, and what is neither.
"""

from hubkit.runtime.sandbox.network import (
    Attempt,
    Guard,
    NetworkDeniedError,
    Policy,
    current_guard,
    guarded_network,
    isolate_network,
    wrap_requests,
)
from hubkit.runtime.sandbox.state import (
    LOG_HANDLERS,
    Change,
    find_changes,
    kept_state,
    save_state,
)

__all__ = [
    "LOG_HANDLERS",
    "Attempt",
    "Change",
    "Guard",
    "NetworkDeniedError",
    "Policy",
    "current_guard",
    "find_changes",
    "guarded_network",
    "isolate_network",
    "kept_state",
    "save_state",
    "wrap_requests",
]
