"""Why a file cannot be used, in a reader's words."""

from __future__ import annotations


class Refused(Exception):
    """A file that cannot be used; the message is shown to people and names no patient."""
