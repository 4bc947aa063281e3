"""Arguments of commands that are a word and its meaning."""

from __future__ import annotations

import argparse


def pair(text: str) -> tuple[str, str]:
    """`KEY=VALUE`."""
    word, separator, meaning = text.partition("=")
    if not separator or not word or not meaning:
        raise argparse.ArgumentTypeError('give a pair such as key="value"')
    return word, meaning
