"""The command line: ``python -m lib_kohaku`` or, when installed, ``kohaku``."""
