"""``python -m hubkit``."""

from hubkit.cli import main

if __name__ == "__main__":
    main(prog_name="hubkit")
