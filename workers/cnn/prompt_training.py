"""Learning to be pointed at: simulated clicks, strokes and boxes on outlined lesions, and the loop.

    training = PromptTraining(samples, recipe=Recipe(steps=400, seed=1))
    for progress in training.run():
        print(progress.step, progress.loss)
    outline = segment(network_of(training.weights(), config=NET), image, Prompt(positive=[(40.5, 31.5)]))

Every step draws lesions and for each a situation in which a person may point at it: a box whose edges are off by up to
`BOX_JITTER`, a first click on the whole image, a click with a guess of what the first look found. Some of them are then
corrected as a person would: by a click in the middle of the largest error of what the network says now. A share of
the clicks (`STROKE_SHARE`) is a stroke instead (`random_stroke`): small, so that clicks alone stay the common case.
All of it follows from seed and step, so a run restored from `state()` goes on bit for bit, like `train.Training`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

from workers.cnn.model import Weights, build_network
from workers.cnn.prompts import (
    CERTAIN,
    MARGIN,
    NET,
    SIZE,
    Bools,
    Box,
    Floats,
    Prompt,
    View,
    box_around,
    channels,
    cut_view,
    ellipse_map,
    shares,
    view_around,
    whole_view,
)
from workers.cnn.train import Progress, Recipe, descend, rate_share, update_average

PATCH: Final = 128
"""Pixels along the sides of the cut-outs in which a lesion is kept."""
CLOSE_MARGIN: Final = 3.0
LARGEST_SHARE: Final = 0.5
BOX_JITTER: Final = 0.12
CORRECTED_SHARE: Final = 0.4
FIRST_CORRECTED: Final = 0.15
"""Nothing is corrected in this first part of the training, where all is wrong."""
STROKE_SHARE: Final = 0.25
STROKE_PLACES: Final = 12
DEGREES: Final = 20.0
STRETCH: Final = 1.15
GAMMA: Final = 1.25
NOISE: Final = 0.03


def prompt_steps(steps: int, *, image_size: int) -> int:
    """How long to train beside an automatic network of so many steps and pixels: at most half of its arithmetic.

    A step here costs what its pixels and, for the simulated corrections, half a forward pass more cost.
    """
    pixels = (SIZE / image_size) ** 2 * 1.2
    return max(1, round(steps * min(1.0, LARGEST_SHARE / pixels)))


@dataclass(slots=True)
class PromptSamples:
    """Outlined lesions, each cut out twice: with the whole image around it (0) and close (1).

    images uint8 [L, 2, P, P]; masks bool [L, 2, P, P]; content float [L, 2, 4]: where in the cut-out the image lies (left,
    top, right, bottom in its pixels).
    """

    images: NDArray[np.uint8] = field(default_factory=lambda: np.zeros((0, 2, PATCH, PATCH), np.uint8))
    masks: Bools = field(default_factory=lambda: np.zeros((0, 2, PATCH, PATCH), bool))
    content: Floats = field(default_factory=lambda: np.zeros((0, 2, 4), np.float32))

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True, slots=True)
class CutLesion:
    """One lesion as `PromptSamples` keeps it."""

    images: NDArray[np.uint8]
    masks: Bools
    content: Floats


def cut_lesion(image: NDArray[np.uint8], mask: Bools) -> CutLesion | None:
    """A lesion of an image cut out twice; None for one that the close cut-out does not show."""
    rows, columns = image.shape
    views = whole_view(rows, columns), view_around(box_around(mask), CLOSE_MARGIN)
    masks = np.stack([cut_view(mask.astype(np.float32), view, size=PATCH) >= 0.5 for view in views])
    if not masks[1].any():
        return None
    seen = np.stack([cut_view(image, view, size=PATCH).round().astype(np.uint8) for view in views])
    content = [np.array([0, 0, columns, rows]) - [view.left, view.top, view.left, view.top] for view in views]
    scaled = [edges * PATCH / view.side for edges, view in zip(content, views, strict=True)]
    return CutLesion(seen, masks, np.array(scaled, dtype=np.float32))


def gathered(cut: Sequence[CutLesion]) -> PromptSamples:
    """Cut lesions as a training set."""
    if not cut:
        return PromptSamples()
    return PromptSamples(*(np.stack([getattr(one, name) for one in cut]) for name in ("images", "masks", "content")))


Point = tuple[float, float]


@dataclass(slots=True)
class Situation:
    """What the network is given and what it should say: `seen`, `inside`, `mask`, `guess` [size, size], clicks, strokes."""

    seen: Floats
    inside: Bools
    mask: Bools
    guess: Floats
    positive: list[Point] = field(default_factory=list)
    negative: list[Point] = field(default_factory=list)
    strokes: list[list[Point]] = field(default_factory=list)
    negative_strokes: list[list[Point]] = field(default_factory=list)

    def inputs(self) -> Floats:
        """As channels."""
        prompt = Prompt(self.positive, self.negative, None, self.strokes, self.negative_strokes)
        return channels(self.seen, self.inside, self.guess, prompt)

    def correct(self, said: Floats, generator: np.random.Generator | None = None) -> None:
        """Click as a person would who sees this answer, or with a generator draw a stroke; nothing where it is right."""
        wrong = largest_error(said >= CERTAIN, self.mask, self.inside)
        if wrong is None:
            return
        region, on_lesion = wrong
        if generator is None:
            (self.positive if on_lesion else self.negative).append(_deepest(region))
        else:
            (self.strokes if on_lesion else self.negative_strokes).append(random_stroke(region, generator))


def first_click(mask: Bools, generator: np.random.Generator, *, least: float = 0.3) -> Point:
    """Somewhere in the middle of a lesion: a pixel at least `least` times as deep inside as the deepest one."""
    depth = _depth(mask)
    rows, columns = np.nonzero(depth >= least * depth.max())
    at = int(generator.integers(len(rows)))
    return float(columns[at]) + 0.5, float(rows[at]) + 0.5


def random_stroke(region: Bools, generator: np.random.Generator, *, least: float = 0.3) -> list[Point]:
    """A curved stroke along a region, of two places or more: it bends through three of its deeper pixels, in turn along
    its longer axis, and where it would leave the region only its longest piece inside is drawn.
    """
    depth = _depth(region)
    rows, columns = np.nonzero(depth >= least * depth.max())
    chosen = generator.integers(len(rows), size=3)
    places = np.stack([columns[chosen], rows[chosen]], axis=1) + 0.5
    every = np.stack(np.nonzero(region)[::-1], axis=1) - np.mean(np.nonzero(region)[::-1], axis=1)
    axis = np.linalg.eigh(every.T @ every)[1][:, -1]
    start, middle, end = places[np.argsort(places @ axis, kind="stable")]
    share = np.linspace(0, 1, STROKE_PLACES)[:, None]
    bent = 2 * middle - (start + end) / 2  # The curve (Bézier) then passes through the middle one half-way.
    path = (1 - share) ** 2 * start + 2 * share * (1 - share) * bent + share**2 * end
    return [(float(column), float(row)) for column, row in _longest_inside(path, region)]


def _longest_inside(path: NDArray[np.float64], region: Bools) -> NDArray[np.float64]:
    """The longest run of a path's places that lie in the region; a single place is doubled."""
    at = np.floor(path[:, ::-1]).astype(int).clip(0, np.array(region.shape) - 1)
    pieces, count = ndimage.label(region[at[:, 0], at[:, 1]])
    kept = path[pieces == 1 + int(np.bincount(pieces)[1:].argmax())] if count else path[:1]
    return kept if len(kept) > 1 else np.repeat(kept, 2, axis=0)


def largest_error(said: Bools, mask: Bools, inside: Bools) -> tuple[Bools, bool] | None:
    """The largest connected error, and whether it is lesion; None where there is no error."""
    largest: tuple[int, Bools, bool] | None = None
    for wrong, on_lesion in ((mask & ~said & inside, True), (said & ~mask & inside, False)):
        pieces, count = ndimage.label(wrong)
        if not count:
            continue
        sizes = np.bincount(pieces.ravel())[1:]
        at = int(sizes.argmax())
        if largest is None or sizes[at] > largest[0]:
            largest = int(sizes[at]), np.asarray(pieces == at + 1), on_lesion
    return None if largest is None else largest[1:]


def corrective_click(said: Bools, mask: Bools, inside: Bools) -> tuple[Point, bool] | None:
    """The deepest place of the largest connected error, and whether it is lesion; None where there is no error."""
    wrong = largest_error(said, mask, inside)
    return None if wrong is None else (_deepest(wrong[0]), wrong[1])


def _deepest(region: Bools) -> Point:
    row, column = np.unravel_index(int(_depth(region).argmax()), region.shape)
    return float(column) + 0.5, float(row) + 0.5


def jittered(box: Box, generator: np.random.Generator, share: float = BOX_JITTER) -> Box:
    """The box with each edge moved by up to `share` of its sides."""
    width, height = box[2] - box[0], box[3] - box[1]
    off = (generator.random(4) * 2 - 1) * share * np.array([width, height, width, height])
    return box[0] + off[0], box[1] + off[1], box[2] + off[2], box[3] + off[3]


def _depth(mask: Bools) -> Floats:
    """Distance of each pixel from what is not set; the border of the array counts as not set."""
    return np.asarray(ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1], dtype=np.float32)


class PromptTraining:
    """Network, its running average, optimizer and random state of one run."""

    def __init__(self, samples: PromptSamples, *, recipe: Recipe, stroke_share: float = STROKE_SHARE) -> None:
        if not len(samples):
            raise ValueError("there is no outlined lesion to learn from")
        torch.set_deterministic_debug_mode("error")
        self.samples, self.recipe, self.stroke_share = samples, recipe, stroke_share
        self.network = build_network(NET, seed=recipe.seed)
        self.ema: Weights = {name: value.detach().clone() for name, value in self.network.state_dict().items()}
        self.optimizer = torch.optim.AdamW(self.network.parameters(), lr=recipe.rate, weight_decay=recipe.weight_decay)
        self.step = 0
        self.core_seconds = 0.0

    def run(self) -> Iterator[Progress]:
        """Train to the last step of the recipe; may be left at any step and called again."""
        while self.step < self.recipe.steps:
            yield self.advance()

    def advance(self) -> Progress:
        """One step: draw situations, correct some, descend, update the average."""
        began, recipe = time.process_time(), self.recipe
        situations = self._situations(np.random.default_rng((recipe.seed % 2**64, self.step)))
        inputs = torch.from_numpy(np.stack([one.inputs() for one in situations]))
        for group in self.optimizer.param_groups:
            group["lr"] = recipe.rate * rate_share(self.step, recipe)
        self.network.train()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=recipe.precision == "bfloat16"):
            said = self.network(inputs.contiguous(memory_format=torch.channels_last)).types
        loss = prompt_loss(
            said.float(),
            torch.from_numpy(np.stack([one.mask for one in situations])),
            torch.from_numpy(np.stack([one.inside for one in situations])),
        )
        value = descend(loss, self.network, self.optimizer, step=self.step + 1, clip=recipe.clip)
        self.step += 1
        update_average(self.ema, self.network, step=self.step, decay=recipe.ema_decay)
        self.core_seconds += time.process_time() - began
        return Progress(step=self.step, loss=value, core_seconds=self.core_seconds)

    def _situations(self, generator: np.random.Generator) -> list[Situation]:
        """A batch: in three of eight the whole image is clicked, in three a box is drawn, in two a click is looked into."""
        kinds = [("wide", "box", "wide", "box", "click", "wide", "box", "click")[at % 8] for at in range(self.recipe.batch)]
        made = [self._situation(kind, generator) for kind in kinds]
        if self.step < FIRST_CORRECTED * self.recipe.steps:
            return made
        chosen = [one for one in made if generator.random() < CORRECTED_SHARE]
        for _ in range(1 + int(generator.random() < CORRECTED_SHARE)):
            if not chosen:
                break
            for one, said in zip(chosen, shares(self.network, np.stack([one.inputs() for one in chosen])), strict=True):
                one.correct(said, generator if self._strokes(generator) else None)
        return made

    def _strokes(self, generator: np.random.Generator) -> bool:
        """Whether a stroke is drawn where a click would be."""
        return self.stroke_share > 0 and bool(generator.random() < self.stroke_share)

    def _situation(self, kind: str, generator: np.random.Generator) -> Situation:
        which = 0 if kind == "wide" else 1
        while True:
            row = int(generator.integers(len(self.samples)))
            turn = _similarity(generator, flip=self.recipe.flip)
            box = _turned_box(self.samples.masks[row, which], turn)
            if box is None:
                continue
            drawn = jittered(box, generator, BOX_JITTER if kind == "box" else 0.3)
            if kind == "wide":
                zoom = 1.2 ** (generator.random() * 2 - 1)
                off = (generator.random(2) * 2 - 1) * 0.08 * PATCH
                view = View(PATCH * (1 - zoom) / 2 + off[0], PATCH * (1 - zoom) / 2 + off[1], PATCH * zoom)
            else:
                view = view_around(drawn, MARGIN * (1.1 if kind == "box" else 1.2) ** (generator.random() * 2 - 1))
            seen, mask, inside = _seen(self.samples, row, which, turn, view)
            if mask.sum() >= 3:
                break
        made = Situation(_varied(seen, generator), inside, mask, np.zeros_like(seen))
        if kind == "box":
            made.guess = ellipse_map(view.box(drawn))
        elif self._strokes(generator):
            made.strokes.append(random_stroke(mask, generator))
        else:
            made.positive.append(first_click(mask, generator))
        if kind == "click":
            made.guess = _rough(mask, ellipse_map(view.box(drawn)), generator)
        return made

    def weights(self) -> Weights:
        """The averaged weights: what is stored and serves."""
        return {name: value.clone() for name, value in self.ema.items()}

    def state(self) -> dict[str, Any]:
        """Everything that moves; what is drawn follows from seed and step."""
        return {
            "step": self.step,
            "core_seconds": self.core_seconds,
            "network": self.network.state_dict(),
            "ema": self.ema,
            "optimizer": self.optimizer.state_dict(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where `state` was taken."""
        self.network.load_state_dict(state["network"])
        for name, value in state["ema"].items():
            self.ema[name].copy_(value)
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.core_seconds = int(state["step"]), float(state["core_seconds"])


def prompt_loss(logits: Tensor, masks: Tensor, inside: Tensor) -> Tensor:
    """Cross-entropy of the pixels on the image plus 1 − soft Dice of each situation: small lesions weigh as large ones."""
    held = inside.float()
    crossed = functional.cross_entropy(logits, masks.long(), reduction="none") * held
    said = logits.softmax(dim=1)[:, 1] * held
    true = masks.float() * held
    overlap, size = (said * true).sum(dim=(1, 2)), (said + true).sum(dim=(1, 2))
    return crossed.sum() / held.sum().clamp(min=1) + (1 - (2 * overlap + 1) / (size + 1)).mean()


Turn = NDArray[np.float64]
"""2 × 2: from a place of the varied cut-out, about its middle, to the place of the stored one."""


def _similarity(generator: np.random.Generator, *, flip: bool) -> Turn:
    """A turn by up to `DEGREES`, a stretch of either axis, and in half of the cases a mirror image."""
    angle = math.radians(DEGREES) * (generator.random() * 2 - 1)
    across, down = STRETCH ** (generator.random(2) * 2 - 1)
    mirrored = -1.0 if generator.random() < 0.5 and flip else 1.0
    cos, sin = math.cos(angle), math.sin(angle)
    return np.array([[cos * across * mirrored, -sin * down], [sin * across * mirrored, cos * down]])


def _turned_box(mask: Bools, turn: Turn) -> Box | None:
    """The box around the varied lesion."""
    rows, columns = np.nonzero(mask)
    if not rows.size:
        return None
    x, y = np.linalg.inv(turn) @ (np.stack([columns, rows]) + 0.5 - PATCH / 2) + PATCH / 2
    return float(x.min()) - 0.5, float(y.min()) - 0.5, float(x.max()) + 0.5, float(y.max()) + 0.5


def _seen(samples: PromptSamples, row: int, which: int, turn: Turn, view: View) -> tuple[Floats, Bools, Bools]:
    """A view of the varied cut-out: grey values, lesion, and which pixels lie on the image."""
    steps = (np.arange(SIZE) + 0.5) / view.scale - PATCH / 2
    x, y = np.meshgrid(view.left + steps, view.top + steps)
    across, down = turn[0, 0] * x + turn[0, 1] * y + PATCH / 2, turn[1, 0] * x + turn[1, 1] * y + PATCH / 2
    grid = torch.from_numpy(np.stack([across, down], axis=-1) / PATCH * 2 - 1).float()[None]
    both = np.stack([samples.images[row, which], samples.masks[row, which]]).astype(np.float32)
    seen = functional.grid_sample(torch.from_numpy(both)[None], grid, align_corners=False)[0].numpy()
    left, top, right, bottom = samples.content[row, which]
    kept = (across >= max(left, 0)) & (across < min(right, PATCH)) & (down >= max(top, 0)) & (down < min(bottom, PATCH))
    return seen[0], (seen[1] >= 0.5) & kept, kept


def _varied(seen: Floats, generator: np.random.Generator) -> Floats:
    """Gamma and noise; brightness and contrast fall to standardising anyway."""
    gamma = GAMMA ** (generator.random() * 2 - 1)
    noise = generator.standard_normal(seen.shape, dtype=np.float32) * (255 * NOISE * generator.random())
    return np.asarray(255 * (np.clip(seen, 0, 255) / 255) ** gamma + noise, dtype=np.float32)


def _rough(mask: Bools, ellipse: Floats, generator: np.random.Generator) -> Floats:
    """A first look's guess at the lesion: the ellipse of a bad box, or the lesion larger, smaller and with other edges."""
    if generator.random() < 0.3:
        return ellipse
    waves = ndimage.gaussian_filter(generator.standard_normal(mask.shape), SIZE / 10)
    waves /= max(float(waves.std()), 1e-6)
    radius = math.sqrt(mask.sum() / math.pi)
    depth = _depth(mask) - _depth(~mask)
    off = radius * (0.5 * generator.random() * waves + 0.3 * (generator.random() * 2 - 1))
    return np.asarray(ndimage.uniform_filter((depth + off > 0).astype(np.float32), 3), dtype=np.float32)
