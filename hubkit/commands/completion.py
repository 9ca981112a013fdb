"""``hubkit completion``: the script with which a shell completes command lines."""

from __future__ import annotations

import os

import click
from click.shell_completion import (
    BashComplete,
    add_completion_class,
    get_completion_class,
    split_arg_string,
)

from hubkit._util.console import echo_lines
from hubkit.commands.base import Choice, subcommand

SHELLS = ("bash", "zsh", "fish")
_VARIABLE = "_HUBKIT_COMPLETE"
_SETUP = {
    "bash": 'eval "$(hubkit completion bash)"',
    "zsh": 'eval "$(hubkit completion zsh)"',
    "fish": "hubkit completion fish | source",
}


class Bash(BashComplete):
    """Completion for bash, which takes colons and equal signs for the ends of words.

    hubkit reads the line itself. Of a completed word, bash replaces what follows the last colon.
    """

    source_template = """\
%(complete_func)s() {
    local IFS=$'\\n' line="${COMP_LINE:0:COMP_POINT}" colons="" type value completion
    local word="${line##*[[:space:]]}"
    [[ $COMP_WORDBREAKS == *:* && $word == *:* ]] && colons="${word%%:*}:"
    COMPREPLY=()
    while IFS=',' read -r type value; do
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("${value#"$colons"}") ;;
        esac
    done < <(env _HUBKIT_LINE="$line" %(complete_var)s=bash_complete "$1" 2>/dev/null)
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""

    @staticmethod
    def _check_version() -> None:
        """Nothing: the script says what it needs by failing, and bash need not be started."""

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the cursor, and the one to complete."""
        line = os.environ["_HUBKIT_LINE"]
        words = split_arg_string(line)[1:]
        return (words, "") if line[-1:].isspace() else (words[:-1], words[-1] if words else "")


add_completion_class(Bash)


@subcommand(
    epilog="To complete in all shells, put a line into ~/.bashrc, ~/.zshrc, or"
    " ~/.config/fish/config.fish:\n\n\b\n" + "\n".join(f"  {line}" for line in _SETUP.values())
)
@click.argument("shell", type=Choice(SHELLS), metavar="bash|zsh|fish")
def command(shell: str) -> None:
    """Print a script that completes commands in a shell.

    Completes commands, options and their values, repos in the hub dir, entrypoints, and codes of
    rules and checks. Nothing is run or fetched.
    """
    root = click.get_current_context().find_root()
    found = get_completion_class(shell)
    assert found is not None  # noqa: S101 - click has those of SHELLS
    echo_lines(found(root.command, {}, "hubkit", _VARIABLE).source())
