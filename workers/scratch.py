"""Networks that are trained for a question and not kept: from scratch, with the project's recipe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from backend.learning.models import TrainingPolicy
from backend.learning.vocabulary import Vocabulary
from backend.projects.models import Project
from backend.readings.models import Reading
from workers.cnn.checkpoint import network_of
from workers.cnn.model import NetConfig
from workers.cnn.train import SCRATCH_RATE, Recipe, Training
from workers.datasets import training_samples
from workers.networks import LoadedVersion, machine_precision


@dataclass(frozen=True, slots=True)
class ScratchTraining:
    """What stays the same over several trainings."""

    project: Project
    policy: TrainingPolicy
    vocabulary: Vocabulary
    on_step: Callable[[int, int], None] = lambda step, steps: None
    """Told after each step of a training; what it raises ends the training."""

    def train(self, readings: Sequence[Reading], seed: int) -> LoadedVersion:
        """A network from scratch on these readings, ready to read."""
        samples, _ = training_samples(readings, vocabulary=self.vocabulary, size=self.policy.image_size)
        net = NetConfig(n_types=len(self.vocabulary.types), n_findings=len(self.vocabulary.outputs))
        recipe = Recipe(
            steps=self.policy.steps_scratch,
            seed=seed,
            rate=SCRATCH_RATE,
            flip=not self.project.laterality_matters,
            precision=machine_precision(),
        )
        training = Training(samples, net=net, recipe=recipe)
        for progress in training.run():
            self.on_step(progress.step, recipe.steps)
        network = network_of(training.weights(), config=net)
        return LoadedVersion(network, self.vocabulary, self.policy.image_size, recipe.precision)
