"""``python -m lib_kohaku``."""

from lib_kohaku.cli.main import run

if __name__ == "__main__":
    run()
