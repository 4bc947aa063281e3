"""Training twice: from the labels, then anew from the labels and from what the first network is sure of in unread images.

Self-training (Lee 2013; Xie et al. 2020, CVPR, "Noisy Student"): the student sees its teacher's outlines under
augmentation, on images that no label has shaped. Where the teacher is not sure whether there is a lesion, nothing is
learned, pixel by pixel; of a lesion the likeliest type is. Half of each batch is drawn from what people have read, half
from all. Nothing of what the teacher says is kept or shown: it is no reading.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from workers.cnn.checkpoint import CheckpointCorrupt, network_of
from workers.cnn.data import IGNORED, UNKNOWN, Samples, content_mask
from workers.cnn.model import UNet, Weights
from workers.cnn.predict import predict
from workers.cnn.train import Progress, Recipe, Training

SURE: Final = 0.8
READ_SHARE: Final = 0.5
AT_ONCE: Final = 16
"""The teacher reads so many unread images between two calls of `on_wait`, and holds its shares of no more."""


@dataclass(frozen=True, slots=True)
class Unread:
    """Images uint8 [M, S, S] in the network grid that nobody has read; content [M, 2]."""

    images: NDArray[np.uint8]
    content: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.images)


def teacher_steps(steps: int) -> int:
    """Of the steps of both, those of the teacher."""
    return steps // 2


def mirrored(images: NDArray[Any], content: NDArray[np.int64]) -> NDArray[Any]:
    """Left and right swapped within the part of the grid [..., S, S] that each image fills."""
    turned = np.zeros_like(images)
    for one, image, (_, columns) in zip(turned, images, content, strict=True):
        one[..., :columns] = image[..., :columns][..., ::-1]
    return turned


def pseudo_labels(
    network: UNet,
    unread: Unread,
    *,
    shown: NDArray[np.bool_],
    flip: bool,
    precision: str,
    on_wait: Callable[[], None] = lambda: None,
) -> NDArray[np.uint8]:
    """What the network says of each pixel, uint8 [M, S, S]: 0 no lesion, 1… the likeliest type of one.

    IGNORED where it is not `SURE` whether there is a lesion, and beyond the image. `shown` [T]: the types that some label
    shows; of the others it knows nothing and says none. Where left and right do not matter (`flip`) it says so of the image
    and of its mirror image, on average. `on_wait` is called now and then, for this takes minutes of many images.
    """
    parts = []
    for start in range(0, len(unread), AT_ONCE):
        on_wait()
        images, content = unread.images[start : start + AT_ONCE], unread.content[start : start + AT_ONCE]
        types = predict(network, images, content, precision=precision).types
        if flip:
            other = predict(network, mirrored(images, content), content, precision=precision).types
            types = (types + mirrored(other, content)) / 2
        background = types[:, 0]
        likeliest = 1 + np.where(shown[:, None, None], types[:, 1:], -1.0).argmax(axis=1)
        said = np.where(background < 0.5, likeliest, 0).astype(np.uint8)
        inside = content_mask(content, images.shape[-1]).numpy()[:, 0] > 0
        said[(np.maximum(background, 1 - background) < SURE) | ~inside] = IGNORED
        parts.append(said)
    return np.concatenate(parts)


def with_unread(samples: Samples, unread: Unread, said: NDArray[np.uint8]) -> Samples:
    """The labels, and the unread images with what was said of them; the labels are told by `newest`.

    Of a type that no label shows the teacher knows nothing: what it calls background may be of that type.
    """
    n, shown = len(unread), samples.presence.any(axis=0)
    read_of = samples.image_of if samples.image_of.size else np.arange(len(samples))
    return Samples(
        images=np.concatenate([samples.images, unread.images]),
        content=np.concatenate([samples.content, unread.content]),
        targets=np.concatenate([samples.targets, said]),
        type_known=np.concatenate([samples.type_known, np.tile(shown, (n, 1))]),
        findings=np.concatenate([samples.findings, np.full((n, samples.findings.shape[1]), UNKNOWN, np.uint8)]),
        newest=np.arange(len(samples) + n) < len(samples),
        image_of=np.concatenate([read_of, read_of.max(initial=-1) + 1 + np.arange(n)]),
    )


class SelfTraining:
    """A training in two: `recipe.steps` are both together, the teacher's half first; to its caller it is like any other.

        training = SelfTraining(samples, unread, recipe=recipe, begin=lambda samples, recipe: Training(...))
        for progress in training.run():
            print(progress.step, progress.loss)
        weights = training.weights()

    `begin` begins each of the two, in one process or in several. What holds of `Training` holds of it: restored from
    `state()` it makes the same numbers as one that was never stopped.
    """

    def __init__(
        self,
        samples: Samples,
        unread: Unread,
        *,
        recipe: Recipe,
        begin: Callable[[Samples, Recipe], Training],
        on_wait: Callable[[], None] = lambda: None,
    ) -> None:
        """ValueError where there is no unread image to learn from, or but one step for two."""
        if not len(unread):
            raise ValueError("there is no unread image to learn from")
        if recipe.steps < 2:
            raise ValueError("a teacher and a student want a step each")
        self.samples, self.unread, self.recipe, self._begin, self._on_wait = samples, unread, recipe, begin, on_wait
        self._before, self._spent = 0, 0.0
        self._taught: Weights | None = None
        self._stage = begin(samples, replace(recipe, steps=teacher_steps(recipe.steps), snapshots=0))

    @property
    def step(self) -> int:
        """Steps made by both."""
        return self._before + self._stage.step

    @property
    def core_seconds(self) -> float:
        """CPU seconds of both so far, the teacher's reading of the unread images included."""
        return self._spent + self._stage.core_seconds

    @property
    def network(self) -> UNet:
        """The network of the one that is training now."""
        return self._stage.network

    @property
    def processes(self) -> int:
        """How many make each step."""
        return self._stage.processes

    @property
    def snapshots(self) -> list[Weights]:
        """From the end of the student's training, where they are asked for."""
        return self._stage.snapshots

    def run(self) -> Iterator[Progress]:
        """Train to the last step of both; may be left at any step and called again."""
        yield from self._run_stage()
        if self._taught is None:
            taught, spent, began = self._stage.weights(), self._stage.core_seconds, time.process_time()
            self._teach(taught, steps=self._stage.step)
            self._spent = spent + time.process_time() - began
            yield from self._run_stage()

    def _run_stage(self) -> Iterator[Progress]:
        for progress in self._stage.run():
            yield replace(progress, step=self._before + progress.step, core_seconds=self._spent + progress.core_seconds)

    def _teach(self, taught: Weights, *, steps: int) -> None:
        """Begin the student with what the teacher, whose weights are `taught`, says of the unread images."""
        teacher = network_of(taught, config=self._stage.network.config)
        said = pseudo_labels(
            teacher,
            self.unread,
            shown=np.asarray(self.samples.presence.any(axis=0)),
            flip=self.recipe.flip,
            precision=self.recipe.precision,
            on_wait=self._on_wait,
        )
        both = with_unread(self.samples, self.unread, said)
        self._taught, self._before = taught, steps
        self._stage = self._begin(both, replace(self.recipe, steps=self.recipe.steps - steps, newest_share=READ_SHARE))

    def weights(self) -> Weights:
        """The student's; before there is one, the teacher's."""
        return self._stage.weights()

    def state(self) -> dict[str, Any]:
        """Everything that moves; of the teacher its weights, for what it says follows from them."""
        stage = self._stage.state()  # Of several processes the last checkpoint, some steps ago.
        return {
            "step": self._before + stage["step"],
            "teacher": self._taught,
            "before": [self._before, self._spent],
            "training": stage,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where `state` was taken; CheckpointCorrupt where that was one training alone."""
        if "teacher" not in state:
            raise CheckpointCorrupt("the checkpoint is of a training without a teacher")
        if state["teacher"] is not None:
            steps, core_seconds = state["before"]
            self._teach(state["teacher"], steps=int(steps))
            self._spent = float(core_seconds)
        self._stage.restore(state["training"])
