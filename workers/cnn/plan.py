"""What the images are decides the network: a fingerprint of the project's cases in, a plan out.

The idea, and the rules for pooling and kernels, are nnU-Net's (Isensee et al. 2021, Nature Methods 18, 203–211): facts of
the data set fix what need not be searched. What is ours: a slice with its neighbours as channels where only processors are
at hand, and a grid that the whole image is scaled into.

    plan = make_plan(fingerprint_of(facts), device="cpu")
    net = plan.net(n_types=2, n_findings=3)
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

import numpy as np

from workers.cnn import pretrained
from workers.cnn.model import Axes, NetConfig

Pair = tuple[float, float]
Triple = tuple[float, float, float]
Quad = tuple[float, float, float, float]

IMAGES: Final = "2d"
SLICES: Final = "2.5d"
VOLUMES: Final = "3d"
DIMENSIONS: Final = (IMAGES, SLICES, VOLUMES)

SIZES: Final = (128, 192, 256, 384, 512, 768, 1024)
USUAL_SIZE: Final = SIZES[0]
LEAST_LESION: Final = 4.0
"""Pixels that the short side of a small lesion is to keep in the grid: below, it vanishes when the image is shrunk."""
LEAST_EXTENT: Final = 4
"""No axis is halved below so many pixels (nnU-Net's least feature map)."""
MANY_SLICES: Final = 16
FEW_SLICES: Final = 8
ANISOTROPIC: Final = 3.0
"""Beyond this ratio of slice distance to pixel size, nnU-Net calls a volume anisotropic."""
ALIKE: Final = 0.05
"""Slices whose distance is so near to the plan's are left as they are."""
FINE: Final = 1.5
"""Slices are resampled where so many lie within one pixel of the grid."""
SLICE_BATCH: Final = 8
PATCH_BATCH: Final = 2
BATCH_NORM_FROM: Final = 4
OWN, PRETRAINED = "own", "pretrained"
PRETRAINED_STRIDE: Final = 2 ** len(pretrained.WIDTHS)
PRETRAINED_FROM: Final = 2 * PRETRAINED_STRIDE
"""Pixels of a grid that leave the deepest level of the encoder with learned weights two of its own."""
WIDE_CT: Final[Pair] = (-300.0, 1400.0)
"""Center and width in HU of the window that shows lung and soft tissue, as far as 8 bits can."""
AIR: Final = -1000
LEAST_WINDOW: Final = 80
"""HU: in a narrower one the noise of the images would be all that is seen."""
NEAR_WINDOW: Final = 0.1
"""Share of its width by which the ends of a window may move before another one is worth it."""


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """Of one case: its extent, the millimetres between frames, rows and columns (None: not known), and its modality."""

    frames: int
    rows: int
    columns: int
    spacing: Triple | None
    modality: str


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What is typical of the cases: medians over them (of series alone where it concerns slices).

    `unit`: "mm" where most spacings are known, else "px". `lesion`: the short side of a small lesion (10th percentile) as a
    share of the longer side of its image, None without lesions. `intensities`: 0.5th, 50th and 99.5th percentile of the
    pixels in `intensity_unit`, None where they were not measured. Of CT with enough lesions also `lesion_intensities`: 0.5th
    and 99.5th percentile within them, and `around_intensities`: 0.5th, 33rd, 67th and 99.5th of what surrounds them.
    """

    n_cases: int
    n_series: int
    modality: str
    frames: int
    rows: int
    columns: int
    spacing: Triple | None
    unit: str
    lesion: float | None
    intensities: Triple | None = None
    intensity_unit: str = ""
    lesion_intensities: Pair | None = None
    around_intensities: Quad | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON; `Fingerprint.from_dict` reads it back."""
        found = asdict(self)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Fingerprint:
        """The inverse of `as_dict`."""
        found: dict[str, Any] = {name: _tuples(value) for name, value in values.items()}
        return cls(**found)


def fingerprint_of(
    facts: Sequence[CaseFacts],
    *,
    lesion_shares: Sequence[float] = (),
    intensities: Triple | None = None,
    lesion_intensities: Pair | None = None,
    around_intensities: Quad | None = None,
) -> Fingerprint:
    """What is typical of these cases; ValueError where there is none."""
    if not facts:
        raise ValueError("there is no case to plan for")
    series = [one for one in facts if one.frames > 1]
    typical = series if 2 * len(series) >= len(facts) else [one for one in facts if one.frames == 1]
    spacings = [one.spacing for one in typical if one.spacing is not None]
    known = 2 * len(spacings) > len(typical)
    modality = typical_modality(facts)
    return Fingerprint(
        n_cases=len(facts),
        n_series=len(series),
        modality=modality,
        frames=_median([one.frames for one in typical]),
        rows=_median([one.rows for one in typical]),
        columns=_median([one.columns for one in typical]),
        spacing=_typical_spacing(spacings) if known else None,
        unit="mm" if known else "px",
        lesion=round(float(np.percentile(lesion_shares, 10)), 5) if len(lesion_shares) else None,
        intensities=intensities,
        intensity_unit="" if intensities is None else "HU" if modality == "CT" else "grey",
        lesion_intensities=lesion_intensities,
        around_intensities=around_intensities,
    )


def typical_modality(facts: Sequence[CaseFacts]) -> str:
    """The modality of most of these cases."""
    return Counter(one.modality for one in facts).most_common(1)[0][0]


def _median(values: Sequence[float]) -> int:
    return int(np.median(values))


def _typical_spacing(spacings: Sequence[Triple]) -> Triple:
    frame, row, column = np.median(np.array(spacings), axis=0).tolist()
    return (round(frame, 4), round(row, 4), round(column, 4))


@dataclass(frozen=True, slots=True)
class Plan:
    """How images enter the network, and what it looks like (`widths` … `patch`, `encoder`: as in `NetConfig`).

    `size`: rows and columns of the square grid; `neighbours`: slices that are read together in 2.5D (odd, else 1);
    `frame_spacing`: millimetres to which slices are resampled in 3D (None: as they are);
    `ct_window`: center and width in HU of the window in which CT is read (None: `WIDE_CT`, as before there was a choice);
    `because`: codes of the reasons, the first is that of the dimension.
    """

    dimension: str
    size: int
    neighbours: int = 1
    frame_spacing: float | None = None
    widths: tuple[int, ...] = NetConfig(0, 0).widths
    strides: tuple[Axes, ...] = ()
    kernels: tuple[Axes, ...] = ()
    norm: str = "batch"
    patch: Axes = ()
    batch: int = SLICE_BATCH
    because: tuple[str, ...] = ()
    fingerprint: Fingerprint | None = field(default=None)
    encoder: str = ""
    ct_window: Pair | None = None

    @classmethod
    def plain(cls, size: int) -> Plan:
        """The 2D network of versions that were made before plans were."""
        return cls(IMAGES, size)

    @property
    def is_volume(self) -> bool:
        """Whether slices are convolved across."""
        return self.dimension == VOLUMES

    @property
    def window(self) -> Pair:
        """Center and width in HU of the window in which CT is read."""
        return self.ct_window or WIDE_CT

    def net(self, *, n_types: int, n_findings: int) -> NetConfig:
        """The network's shape for a vocabulary."""
        return NetConfig(
            n_types=n_types,
            n_findings=n_findings,
            in_channels=self.neighbours,
            widths=self.widths,
            dims=3 if self.is_volume else 2,
            strides=self.strides,
            kernels=self.kernels,
            norm=self.norm,
            patch=self.patch,
            encoder=self.encoder,
        )

    def depth(self, frames: int, spacing: Triple | None) -> int:
        """Slices of the grid for a series of `frames`, `spacing` mm apart: as many as it has where nothing is resampled."""
        if self.frame_spacing is None or spacing is None or abs(spacing[0] / self.frame_spacing - 1) < ALIKE:
            return frames
        return max(1, round(frames * spacing[0] / self.frame_spacing))

    def as_dict(self) -> dict[str, Any]:
        """For JSON; `Plan.from_dict` reads it back."""
        found = {name: getattr(self, name) for name in self.__slots__ if name != "fingerprint"}
        told = {name: _lists(value) for name, value in found.items()}
        return {**told, "fingerprint": self.fingerprint.as_dict() if self.fingerprint else None}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Plan:
        """The inverse of `as_dict`."""
        found = {name: _tuples(value) for name, value in values.items() if name != "fingerprint"}
        told = values.get("fingerprint")
        return cls(**found, fingerprint=Fingerprint.from_dict(told) if told else None)


def _lists(value: Any) -> Any:
    return [_lists(one) for one in value] if isinstance(value, tuple) else value


def _tuples(value: Any) -> Any:
    return tuple(_tuples(one) for one in value) if isinstance(value, list | tuple) else value


def make_plan(
    of: Fingerprint, *, device: str, dimension: str = "auto", size: int | None = None, encoder: str = PRETRAINED
) -> Plan:
    """The plan for these images on a `device` ("cpu", "cuda"); `dimension` and `size` where the lead has chosen them.

    `encoder`: `PRETRAINED` or `OWN`; in 3D, on small grids and on those that cannot be halved five times the network
    has one of its own whatever was chosen.
    """
    gpu = device != "cpu"
    chosen, reason = _dimension(of, gpu, dimension)
    if chosen == VOLUMES:
        return _volume_plan(of, gpu, size, reason)
    grid, patch, why = _grid(of, gpu, size, may_slide=chosen == IMAGES)
    neighbours = 1
    if chosen == SLICES:
        neighbours = 5 if of.spacing is not None and of.spacing[0] <= _pixel(of, grid) else 3
    plan = Plan(
        chosen, grid, neighbours=neighbours, patch=patch, because=(reason, *why), fingerprint=of, ct_window=ct_window(of)
    )
    if encoder == PRETRAINED and grid >= PRETRAINED_FROM and grid % PRETRAINED_STRIDE == 0:
        return with_pretrained(plan, gpu=gpu)
    return replace(plan, widths=(32, 64, 128, 256, 256)) if gpu else plan


def with_pretrained(plan: Plan, *, gpu: bool = False) -> Plan:
    """The same 2D or 2.5D plan with an encoder that has learned from photographs."""
    decoder = (32, 64, 96, 128, 256) if gpu else (16, 32, 48, 64, 128)
    return replace(
        plan,
        encoder=pretrained.NAME,
        widths=(*decoder, pretrained.WIDTHS[-1]),
        because=(*plan.because, "pretrained"),
    )


def _dimension(of: Fingerprint, gpu: bool, asked: str) -> tuple[str, str]:
    """The dimension and the code of its reason; what was asked gives way where there are too few slices for it."""
    if 2 * of.n_series < of.n_cases or of.frames < 3:
        return IMAGES, "images"
    if asked in (IMAGES, SLICES) or (asked == VOLUMES and of.frames >= FEW_SLICES):
        return asked, "chosen"
    if asked == VOLUMES:
        return SLICES, "few_slices"
    if not gpu:
        return SLICES, "series_cpu"
    if of.spacing is None or of.frames < MANY_SLICES:
        return SLICES, "few_slices" if of.frames < MANY_SLICES else "irregular"
    return (VOLUMES, "volumes_gpu") if of.spacing[0] <= ANISOTROPIC * _pixel(of, USUAL_SIZE) else (SLICES, "anisotropic")


def _grid(of: Fingerprint, gpu: bool, size: int | None, *, may_slide: bool) -> tuple[int, Axes, tuple[str, ...]]:
    """Size of the grid, of the patches (empty: the whole grid), and why it is not the usual one."""
    if size is not None:
        return size, (), ()
    own = math.ceil(max(of.rows, of.columns) / PRETRAINED_STRIDE) * PRETRAINED_STRIDE
    most = 512 if gpu else 256
    if own <= USUAL_SIZE:
        return max(32, own), (), ("small_images",) if own < USUAL_SIZE else ()
    wanted = USUAL_SIZE if of.lesion is None else LEAST_LESION / max(of.lesion, 1e-6)
    fits = next((one for one in SIZES if one >= wanted), SIZES[-1])
    fits = max(USUAL_SIZE, min(fits, own))
    if fits == USUAL_SIZE:
        return fits, (), ()
    if fits <= most or not may_slide:
        return min(fits, most), (), ("small_lesions",)
    return fits, (most, most), ("small_lesions", "sliding")


def _pixel(of: Fingerprint, size: int) -> float:
    """Millimetres of one pixel of the grid; of a pixel where the spacing is not known."""
    return (max(of.spacing[1:]) if of.spacing else 1.0) * max(of.rows, of.columns) / size


def _volume_plan(of: Fingerprint, gpu: bool, size: int | None, reason: str) -> Plan:
    """A patch of about the same millimetres along every axis, halved along an axis only where it is fine enough."""
    grid, _, why = _grid(of, gpu, size, may_slide=False)
    if size is None and not gpu:
        grid, why = min(grid, USUAL_SIZE), ()
    pixel = _pixel(of, grid)
    between = None
    if of.spacing is not None:
        # Slices much finer than the grid's pixels say little more: they are resampled to the pixels. Coarser ones stay.
        between = of.spacing[0] if FINE * of.spacing[0] >= pixel else pixel
    ratio = 2.0 if between is None else between / pixel
    extent = min(grid, 128 if gpu else 64)
    frames = of.frames if between is None or of.spacing is None else round(of.frames * of.spacing[0] / between)
    most = min(64 if gpu else 32, 2 ** math.floor(math.log2(max(frames, FEW_SLICES))))
    depth = int(np.clip(2 ** round(math.log2(extent / ratio)), FEW_SLICES, most))
    widths = (32, 64, 128, 256, 320) if gpu else (8, 16, 32, 64, 64)
    strides, kernels = pooling((ratio, 1.0, 1.0), (depth, extent, extent), levels=len(widths))
    return Plan(
        VOLUMES,
        grid,
        frame_spacing=None if between is None else round(between, 4),
        widths=widths[: len(kernels)],
        strides=strides,
        kernels=kernels,
        norm="batch" if PATCH_BATCH >= BATCH_NORM_FROM else "instance",
        patch=(depth, extent, extent),
        batch=PATCH_BATCH,
        because=(reason, *why, *(("anisotropic_kernels",) if kernels[0][0] == 1 else ())),
        fingerprint=of,
        ct_window=ct_window(of),
    )


def ct_window(of: Fingerprint) -> Pair | None:
    """Center and width in HU of the window in which CT is read; None for other modalities.

    It shows what the lesions hold (nnU-Net's percentiles) and the middle third of what surrounds them, and half as much
    again on either side, so far as that occurs around them: a lesion in lung has the lung in its window, one in the brain
    not the skull beside it. Where lesions are too few it shows what the images hold, as far as `WIDE_CT` does.
    """
    if of.modality != "CT":
        return None
    if of.lesion_intensities is not None and of.around_intensities is not None:
        least, below, above, most = of.around_intensities
        low, high = min(of.lesion_intensities[0], below), max(of.lesion_intensities[1], above)
        more = (high - low) / 2
        return _whole_tens(max(low - more, min(low, least)), min(high + more, max(high, most)))
    center, width = WIDE_CT
    if of.intensities is None:
        return WIDE_CT
    low, high = np.clip((of.intensities[0], of.intensities[2]), center - width / 2, center + width / 2).tolist()
    return _whole_tens(low, high)


def _whole_tens(low: float, high: float) -> Pair:
    """The window from `low` to `high`, grown to a center and a width of whole tens, the least width, and not below air."""
    floor, ceiling = max(AIR, 10 * math.floor(low / 10)), 10 * math.ceil(high / 10)
    missing = max(0, LEAST_WINDOW - (ceiling - floor))
    floor, ceiling = floor - 10 * (missing // 20), ceiling + 10 * math.ceil(missing / 20)
    ceiling += (ceiling - floor) % 20
    return (floor + ceiling) / 2, float(ceiling - floor)


def settled_window(found: Pair | None, before: Pair | None) -> Pair | None:
    """`before` where the window that was `found` shows much the same, else `found`.

    Versions that see the same greys can be asked for their disagreement, and no image is decoded anew for a few HU.
    """
    if found is None or before is None:
        return found
    (center, width), (old_center, old_width) = found, before
    moved = abs(center - old_center) + abs(width - old_width) / 2
    return before if moved <= NEAR_WINDOW * min(width, old_width) else found


def pooling(spacing: Sequence[float], extent: Sequence[int], *, levels: int) -> tuple[tuple[Axes, ...], tuple[Axes, ...]]:
    """Strides between levels and kernels of each, per axis.

    An axis is halved while it is finer than twice the finest that still can be, and convolved across from the level on at
    which it is; an axis that is too short is halved no more (nnU-Net). There may be fewer levels than were asked for.
    """
    spacing, extent = list(spacing), list(extent)
    strides: list[Axes] = []
    kernels: list[Axes] = []
    crossed = [False] * len(spacing)
    while True:
        finest = min(spacing)
        crossed = [was or one < 2 * finest for was, one in zip(crossed, spacing, strict=True)]
        kernels.append(tuple(3 if one else 1 for one in crossed))
        roomy = [one for one, long in zip(spacing, extent, strict=True) if long >= 2 * LEAST_EXTENT]
        if len(kernels) == levels or not roomy:
            return tuple(strides), tuple(kernels)
        stride = tuple(
            2 if long >= 2 * LEAST_EXTENT and one < 2 * min(roomy) else 1 for one, long in zip(spacing, extent, strict=True)
        )
        strides.append(stride)
        spacing = [one * by for one, by in zip(spacing, stride, strict=True)]
        extent = [long // by for long, by in zip(extent, stride, strict=True)]


def kept_plan(base: Plan | None, made: Plan) -> Plan:
    """The plan of the version that serves where it still fits, so that its weights can be built upon; else the new one.

    It fits while dimension and grid are the same, or the grid that would be chosen today is less than half as large again.
    Another encoder is taken up by a training from scratch, which asks for no plan to be kept.
    """
    if base is None or base.dimension != made.dimension:
        return made
    if max(base.size, made.size) >= 1.5 * min(base.size, made.size):
        return made
    as_today = replace(base, because=made.because, fingerprint=made.fingerprint)
    return (
        made
        if as_today == made
        else replace(as_today, because=(made.because[0], "kept", *(("pretrained",) if base.encoder else ())))
    )
