"""Networks that are trained for a question and not kept: from scratch, with the project's recipe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from backend.learning.models import TrainingPolicy
from backend.learning.vocabulary import Vocabulary
from backend.projects.models import Project
from backend.readings.models import Reading
from workers.cnn.checkpoint import network_of
from workers.cnn.data import Samples
from workers.cnn.patches import Volumes
from workers.cnn.plan import Plan
from workers.cnn.train import SCRATCH_RATE, Recipe, Training
from workers.datasets import training_set
from workers.networks import LoadedVersion, machine_precision
from workers.planning import policy_plan


@dataclass(frozen=True)
class ScratchTraining:
    """What stays the same over several trainings."""

    project: Project
    policy: TrainingPolicy
    vocabulary: Vocabulary
    on_step: Callable[[int, int], None] = lambda step, steps: None
    """Told after each step of a training; what it raises ends the training."""

    @cached_property
    def plan(self) -> Plan:
        """The plan of the project's images, as the policy has it."""
        return policy_plan(self.project, self.policy)

    def samples(self, readings: Sequence[Reading]) -> Samples | Volumes:
        """The training set of these readings, without those that cannot be decoded."""
        return training_set(readings, vocabulary=self.vocabulary, plan=self.plan)[0]

    def train(self, samples: Samples | Volumes, seed: int) -> LoadedVersion:
        """A network from scratch on these samples, ready to read."""
        plan = self.plan
        net = plan.net(n_types=len(self.vocabulary.types), n_findings=len(self.vocabulary.outputs))
        recipe = Recipe(
            steps=self.policy.steps_scratch,
            seed=seed,
            batch=plan.batch,
            rate=SCRATCH_RATE,
            flip=not self.project.laterality_matters,
            precision=machine_precision(net.dims),
        )
        training = Training(samples, net=net, recipe=recipe)
        for progress in training.run():
            self.on_step(progress.step, recipe.steps)
        network = network_of(training.weights(), config=net)
        return LoadedVersion(network, self.vocabulary, plan, recipe.precision)
