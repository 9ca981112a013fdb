"""Subcommands, one a module.

Each module defines a click command named ``command``. Modules are imported when their command runs.
`hubkit --help` prints the table below and imports none of them.
"""

COMMANDS = {
    "init": "Create a hub repo, or publish the models of a repo.",
    "check": "Lint a hub repo from source alone.",
    "conform": "Run the conformance suite.",
    "explain": "Explain rules and checks.",
    "rules": "List all rules and checks.",
    "list": "List the entrypoints of a hub repo.",
    "help": "Describe an entrypoint.",
    "stubs": "Write a typed Python module for the entrypoints of a repo.",
    "audit": "Check many hub repos, and keep the results in a database.",
    "card": "Generate the model card, or update the generated parts.",
    "site": "Write a static site of a repo's models.",
    "weights": "Prepare checkpoints for publishing.",
    "release": "Check that HEAD is ready for release, and tag it.",
    "lock": "Pin repos and their weights in a lock file.",
    "status": "Show which repos in the hub dir are pinned, current or behind.",
    "cache": "Manage the hub dir, which is shared with torch.hub.",
    "trust": "Manage the list of trusted repos, which is shared with torch.hub.",
    "doctor": "Describe this installation, for a bug report.",
    "completion": "Print a script that completes commands in a shell.",
}
"""The commands, in the order of `hubkit --help`, each with its summary."""

MODULES = {"list": "list_", "help": "help_"}
"""Modules that cannot have the name of their command."""
