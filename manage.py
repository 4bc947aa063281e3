#!/usr/bin/env python
"""Command line of Overread: Django's commands and ours (`up`, `import_images`, `simulate`, …)."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.config.settings")
    execute_from_command_line(sys.argv)
