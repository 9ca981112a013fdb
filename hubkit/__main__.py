"""``python -m hubkit``, and the ``hubkit`` script."""

from __future__ import annotations

import gc
import sys

from hubkit.errors import missing_requirement


def main() -> None:
    """Run the command line."""
    try:
        from hubkit.cli import main as run
    except ModuleNotFoundError as error:
        missing = missing_requirement(error)
        if missing is None:
            raise
        sys.stderr.write(f"error: {missing.message}\nhint: {missing.hint}\n")
        sys.exit(missing.exit_code)
    try:
        run(prog_name="hubkit")
    finally:
        gc.freeze()  # The process ends: Python need not look for cycles in what is left.


if __name__ == "__main__":
    main()
