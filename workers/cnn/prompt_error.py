"""How well a network that is pointed at outlines lesions which it has not learned from, pointed at as in its training."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from backend.metrics.overlap import dice
from workers.cnn.data import Mark, lesion_pixels
from workers.cnn.model import UNet
from workers.cnn.prompt_training import corrective_click, first_click, jittered, random_stroke
from workers.cnn.prompts import Bools, Prompt, box_around, cut_view, segment, whole_view

CLICKS: Final = 3
DEPTH: Final = 0.5
"""A first click lies at least half as deep in the lesion as its deepest pixel."""
BOX_OFF: Final = 0.1
"""A box that a person draws is off: each edge by up to this share of its sides."""


def pointed_at(
    network: UNet,
    image: NDArray[np.uint8],
    mask: Bools,
    generator: np.random.Generator,
    *,
    strokes_as_clicks: bool = False,
) -> dict[str, float]:
    """Dice of each way to point at one lesion: `click_1` … `click_3`, `stroke`, `stroke_click` (a stroke, then one click to
    correct it), `box`, and `ellipse`, the one inscribed in that box.

    image: 8-bit grey [rows, columns]; mask: the lesion in it, of the same size, not empty. A correction is the deepest place
    of the largest error; a person who sees none clicks no more. `strokes_as_clicks`: for a network that knows no strokes.
    """
    told: dict[str, float] = {}
    positive = [first_click(mask, generator, least=DEPTH)]
    negative: list[tuple[float, float]] = []
    whole = cut_view(image, whole_view(*image.shape))
    said = np.zeros(mask.shape, dtype=bool)
    corrected = True
    for number in range(1, CLICKS + 1):
        if corrected:
            said = _laid(network, image, Prompt(positive, negative), whole)
        told[f"click_{number}"] = _dice(mask, said)
        click = corrective_click(said, mask, np.ones_like(mask))
        corrected = click is not None
        if click is not None:
            (positive if click[1] else negative).append(click[0])
    box = jittered(box_around(mask), generator, BOX_OFF)
    told["box"] = _dice(mask, _laid(network, image, Prompt(box=box)))
    drawn = Mark("box", 1, points=[box[:2], box[2:]])
    told["ellipse"] = _dice(mask, lesion_pixels(drawn, *mask.shape))
    # Of a random stream of its own: what clicks and boxes show stays what it was.
    stroke = Prompt(strokes=[random_stroke(mask, generator.spawn(1)[0], least=DEPTH)])
    for name in ("stroke", "stroke_click"):
        said = _laid(network, image, stroke.as_clicks() if strokes_as_clicks else stroke, whole)
        told[name] = _dice(mask, said)
        click = corrective_click(said, mask, np.ones_like(mask))
        if click is not None:
            place, on_lesion = click
            stroke = replace(stroke, positive=[place] if on_lesion else [], negative=[] if on_lesion else [place])
    return told


def _laid(network: UNet, image: NDArray[np.uint8], prompt: Prompt, whole: NDArray[np.float32] | None = None) -> Bools:
    laid = np.zeros(image.shape, dtype=bool)
    found = segment(network, image, prompt, whole=whole)
    if found is not None:
        row, column = found.origin
        laid[row : row + found.mask.shape[0], column : column + found.mask.shape[1]] = found.mask
    return laid


def _dice(mask: Bools, said: Bools) -> float:
    found = dice(mask, said)
    return 0.0 if found is None else found
