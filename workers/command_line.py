"""The head that the commands on a labelled project share: options, the project with its policy, and how they answer."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from backend.learning.models import TrainingPolicy
from backend.learning.selectors import policy_of
from backend.projects.models import Project

OVERRIDES: Final[dict[str, type]] = {"random_share": float, "image_size": int, "steps_scratch": int, "steps_warm": int}
"""Fields of the policy that an option of the same name sets for this one command."""


class NothingToDo(Exception):
    """The project has too little for this command; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked of which project, under its policy as the options change it. Nothing of it is stored."""

    project: Project
    policy: TrainingPolicy
    options: argparse.Namespace

    def tell(self, document: Mapping[str, Any], sentence: str) -> None:
        """One line of the answer, at once: JSON where that was asked for."""
        sys.stdout.write((json.dumps(document) if self.options.json else sentence) + "\n")
        sys.stdout.flush()


@dataclass(frozen=True, slots=True)
class Command:
    """Name and options: whole numbers with their defaults, of `OVERRIDES` those that matter, and what `more` adds."""

    name: str
    description: str | None
    numbers: Mapping[str, int | None]
    overrides: Sequence[str] = ("image_size", "steps_scratch")
    more: Callable[[argparse.ArgumentParser], object] = field(default=lambda parser: None)

    def run(self, arguments: Sequence[str], answer: Callable[[Question], None]) -> int:
        """The exit code: 1 with a sentence where there is no such project, or too little in it."""
        options = self._parser().parse_args(arguments)
        project = Project.objects.filter(slug=options.project).first()
        if project is None:
            sys.stderr.write(f"There is no project {options.project}.\n")
            return 1
        policy = policy_of(project)
        for name in self.overrides:
            if getattr(options, name) is not None:
                setattr(policy, name, getattr(options, name))
        try:
            answer(Question(project, policy, options))
        except NothingToDo as error:
            sys.stderr.write(f"{project.slug}: {error}.\n")
            return 1
        return 0

    def _parser(self) -> argparse.ArgumentParser:
        parser = argparse.ArgumentParser(prog=self.name, description=self.description)
        parser.add_argument("--project", required=True)
        for name, default in self.numbers.items():
            parser.add_argument(_option(name), type=int, default=default)
        for name in self.overrides:
            parser.add_argument(_option(name), type=OVERRIDES[name])
        parser.add_argument("--json", action="store_true")
        self.more(parser)
        return parser


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
