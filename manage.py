#!/usr/bin/env python
"""The command line of Veza. `manage.py help` lists the commands."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "veza.settings")
    if len(sys.argv) > 1:
        os.environ.setdefault("VEZA_ROLE", sys.argv[1])
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
