#!/usr/bin/env python
"""The command line of Veza. `manage.py help` lists the commands."""

import gc
import os
import sys


def adopt(option: str, variable: str) -> None:
    """Let an option of the command line decide what the configuration reads before it."""
    words = iter(sys.argv[2:])
    for word in words:
        name, equals, value = word.partition("=")
        if name == option:
            os.environ[variable] = value if equals else next(words, "")


def main() -> None:
    gc.disable()  # until the apps are loaded (veza/apps.py), for nothing of them is garbage
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "veza.settings")
    if len(sys.argv) > 1:
        os.environ.setdefault("VEZA_ROLE", sys.argv[1])
    if sys.argv[1:2] == ["up"]:
        adopt("--data-dir", "VEZA_DATA_DIR")
        adopt("--port", "PORT")
    try:
        from django.core.management import execute_from_command_line
    except ImportError:
        sys.exit("Django is not installed here: run `make setup`, then use .venv/bin/python.")
    from veza.config import ConfigError

    try:
        execute_from_command_line(sys.argv)
    except ConfigError as fault:
        sys.exit(str(fault))


if __name__ == "__main__":
    main()
