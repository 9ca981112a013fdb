"""Subcommands, one a module.

Each module holds a click command called ``command``. Its name on the command line is the module's
without a trailing underscore (``list_`` is ``hubkit list``). A module is imported when its command
is asked for, and ``hubkit --help`` imports them all, so they import what they use inside functions.
"""

COMMANDS = (
    "init",
    "check",
    "conform",
    "explain",
    "rules",
    "list_",
    "help_",
    "card",
    "weights",
    "release",
    "lock",
    "status",
    "cache",
    "trust",
)
