"""What a feature map's values see of the image: followed through the functions that a network really calls.

Araujo, Norris and Sim (Computing Receptive Fields of Convolutional Neural Networks, Distill 2019) walk from a layer back
to the input: values l…u of a convolution or pooling with kernel k, stride s, padding p and dilation d come from
l·s - p … u·s - p + (k - 1)·d of what it was given. Here each function that is called adds one such step, so skips,
upsampling and networks of another shape need no list of layers. A function without a rule makes what follows unknown.

    with FieldTracer(images) as tracer:
        network(images)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.overrides import TorchFunctionMode

Ends = tuple[NDArray[np.int64], NDArray[np.int64]]
Axis = Callable[[Ends, bool], Ends]
"""First and last positions on one axis of a feature map → first and last pixel of the image.

Bounded (True): what lies beyond the border of a map is padding and sees nothing; else as if no map had a border.
"""


@dataclass(frozen=True, slots=True)
class Field:
    """The receptive fields of a map's values; one `axes` per dimension of space, of `extents` pixels in the image."""

    axes: tuple[Axis, ...]
    extents: tuple[int, ...]

    def spans(self, shape: Sequence[int]) -> list[Ends]:
        """Per axis the first and last pixel that each of `shape` values sees within the image."""
        found = []
        for axis, extent, length in zip(self.axes, self.extents, shape, strict=True):
            at = np.arange(length, dtype=np.int64)
            low, high = axis((at, at), True)
            found.append((low.clip(0, extent - 1), high.clip(0, extent - 1)))
        return found

    def size(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Pixels that a value sees per axis where no border cuts them off: it may be more than the image has."""
        sizes = []
        for axis, length in zip(self.axes, shape, strict=True):
            at = np.arange(length, dtype=np.int64)
            low, high = axis((at, at), False)
            sizes.append(int((high - low).max()) + 1)
        return tuple(sizes)


@dataclass(slots=True)
class Step:
    """A function that made a map smaller or larger: its name, and by how much per axis (2.0 halves, 0.5 doubles)."""

    function: str
    factor: tuple[float, ...]


class FieldTracer(TorchFunctionMode):
    """While it is entered, every tensor that comes from `images` [N, C, …space] carries its `Field`."""

    def __init__(self, images: Tensor) -> None:
        super().__init__()
        space = tuple(int(extent) for extent in images.shape[2:])
        self._fields: dict[int, tuple[Tensor, Field]] = {}
        self.steps: list[Step] = []
        self._note(images, Field((_same,) * len(space), space))

    def field_of(self, tensor: Tensor) -> Field | None:
        """The receptive fields of a map, None where a function without a rule lies before it."""
        found = self._fields.get(id(tensor))
        return found[1] if found else None

    def _note(self, tensor: Tensor, known: Field) -> None:
        # The tensor is kept with its field, else another could come to have its id.
        self._fields[id(tensor)] = (tensor, known)

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call the function, and write down what its result sees."""
        named = kwargs or {}
        result = func(*args, **named)
        if isinstance(result, Tensor):
            name = getattr(func, "__name__", "").rstrip("_")
            call = _Call(name, args, named, result)
            sources = [self._fields[id(one)] for one in call.tensors if id(one) in self._fields]
            known = _follow(call, sources) if sources else None
            if known is not None:
                self._note(result, known)
                self._tell(call, sources[0][0])
            elif sources:
                self._fields.pop(id(result), None)
        return result

    def _tell(self, call: _Call, source: Tensor) -> None:
        before, after = source.shape[2:], call.result.shape[2:]
        if call.name in CONVOLUTIONS:
            # Without a stride it only loses a border, where it is not padded.
            strides = call.per_axis(3, "stride", 1, len(after))
            if max(strides) > 1:
                self.steps.append(Step(call.name, tuple(float(one) for one in strides)))
        elif before != after and call.name in RULES:
            self.steps.append(Step(call.name, tuple(a / b for a, b in zip(before, after, strict=True))))


@dataclass(slots=True)
class _Call:
    name: str
    args: tuple[Any, ...]
    named: dict[str, Any]
    result: Tensor
    tensors: list[Tensor] = field(init=False)

    def __post_init__(self) -> None:
        given = (*self.args, *self.named.values())
        flat = [part for one in given for part in (one if isinstance(one, (list, tuple)) else [one])]
        self.tensors = [one for one in flat if isinstance(one, Tensor)]

    def value(self, position: int, name: str, default: Any) -> Any:
        """An argument, however it was given."""
        found = self.named[name] if name in self.named else self.args[position] if position < len(self.args) else default
        return default if found is None else found

    def per_axis(self, position: int, name: str, default: Any, count: int) -> tuple[Any, ...]:
        found = self.value(position, name, default)
        parts = tuple(found) if isinstance(found, (list, tuple)) else (found,) * count
        return parts * count if len(parts) == 1 and count > 1 else parts


def _same(ends: Ends, bounded: bool) -> Ends:
    return ends


def _window(
    ends: Ends, bounded: bool, *, before: Axis, length: int, kernel: int, stride: int, padding: int, dilation: int
) -> Ends:
    low, high = ends[0] * stride - padding, ends[1] * stride - padding + (kernel - 1) * dilation
    if bounded:  # The first and last of its inputs that are no padding.
        low = low + (-np.minimum(low, 0) + dilation - 1) // dilation * dilation
        high = high - (np.maximum(high - length + 1, 0) + dilation - 1) // dilation * dilation
    return before((low, high), bounded)


def _transposed(
    ends: Ends, bounded: bool, *, before: Axis, length: int, kernel: int, stride: int, padding: int, dilation: int
) -> Ends:
    low, high = -((-(ends[0] + padding - (kernel - 1) * dilation)) // stride), (ends[1] + padding) // stride
    return before((low, high), bounded)


def _shifted(ends: Ends, bounded: bool, *, before: Axis, by: int) -> Ends:
    return before((ends[0] - by, ends[1] - by), bounded)


def _nearest(ends: Ends, bounded: bool, *, before: Axis, ratio: float) -> Ends:
    return before((np.floor(ends[0] * ratio).astype(np.int64), np.floor(ends[1] * ratio).astype(np.int64)), bounded)


def _linear(ends: Ends, bounded: bool, *, before: Axis, ratio: float) -> Ends:
    low, high = (ends[0] + 0.5) * ratio - 0.5, (ends[1] + 0.5) * ratio - 0.5
    return before((np.floor(low).astype(np.int64), np.ceil(high).astype(np.int64)), bounded)


def _spread(ends: Ends, bounded: bool, *, before: Axis, ratio: float) -> Ends:
    low, high = np.floor(ends[0] * ratio), np.ceil((ends[1] + 1) * ratio) - 1
    return before((low.astype(np.int64), high.astype(np.int64)), bounded)


def _joined(ends: Ends, bounded: bool, *, parts: Sequence[Axis]) -> Ends:
    found = [part(ends, bounded) for part in parts]
    low = np.minimum.reduce([one[0] for one in found])
    return low, np.maximum.reduce([one[1] for one in found])


def _everything(ends: Ends, bounded: bool, *, extent: int) -> Ends:
    return np.zeros_like(ends[0]), np.full_like(ends[1], extent - 1)


Source = tuple[Tensor, Field]


def _convolution(call: _Call, sources: Sequence[Source]) -> Field | None:
    tensor, known = sources[0]
    kernel = [int(extent) for extent in call.tensors[1].shape[2:]]
    strides, dilations = call.per_axis(3, "stride", 1, len(kernel)), call.per_axis(5, "dilation", 1, len(kernel))
    padding = call.value(4, "padding", 0)
    if padding == "same":
        pads: tuple[int, ...] = tuple((k - 1) * d // 2 for k, d in zip(kernel, dilations, strict=True))
    else:
        pads = (0,) * len(kernel) if padding == "valid" else call.per_axis(4, "padding", 0, len(kernel))
    return _windows(_window, sources[0], kernel, strides, pads, dilations)


def _transposed_convolution(call: _Call, sources: Sequence[Source]) -> Field | None:
    _, known = sources[0]
    kernel = [int(extent) for extent in call.tensors[1].shape[2:]]
    n = len(kernel)
    return _windows(
        _transposed, sources[0], kernel, call.per_axis(3, "stride", 1, n), call.per_axis(4, "padding", 0, n),
        call.per_axis(7, "dilation", 1, n),
    )  # fmt: skip


def _pooling(call: _Call, sources: Sequence[Source]) -> Field | None:
    _, known = sources[0]
    n = len(known.axes)
    kernel = call.per_axis(1, "kernel_size", 1, n)
    dilations = call.per_axis(4, "dilation", 1, n) if call.name.startswith("max") else (1,) * n
    strides, pads = call.per_axis(2, "stride", kernel, n), call.per_axis(3, "padding", 0, n)
    return _windows(_window, sources[0], kernel, strides or kernel, pads, dilations)


def _windows(step: Any, source: Source, *values: Sequence[int]) -> Field:
    tensor, known = source
    axes = tuple(
        partial(step, before=before, length=length, kernel=kernel, stride=stride, padding=padding, dilation=dilation)
        for before, length, kernel, stride, padding, dilation in zip(known.axes, tensor.shape[2:], *values, strict=True)
    )
    return Field(axes, known.extents)


def _resampling(call: _Call, sources: Sequence[Source]) -> Field | None:
    tensor, known = sources[0]
    mode = call.value(3, "mode", "nearest")
    step = {"nearest": _nearest, **dict.fromkeys(("linear", "bilinear", "trilinear"), _linear), "area": _spread}.get(mode)
    if step is None or call.value(4, "align_corners", False):
        return None
    return _by_ratio(step, tensor, known, call.result)


def _adaptive(call: _Call, sources: Sequence[Source]) -> Field | None:
    tensor, known = sources[0]
    return _by_ratio(_spread, tensor, known, call.result)


def _by_ratio(step: Any, tensor: Tensor, known: Field, result: Tensor) -> Field:
    ratios = [a / b for a, b in zip(tensor.shape[2:], result.shape[2:], strict=True)]
    axes = tuple(partial(step, before=before, ratio=ratio) for before, ratio in zip(known.axes, ratios, strict=True))
    return Field(axes, known.extents)


def _padding(call: _Call, sources: Sequence[Source]) -> Field | None:
    _, known = sources[0]
    pads = list(call.value(1, "pad", []))
    if len(pads) > 2 * len(known.axes) or call.value(2, "mode", "constant") != "constant":
        return None
    # Pairs for the last axis first.
    before = [0] * (len(known.axes) - len(pads) // 2) + pads[-2::-2]
    axes = tuple(partial(_shifted, before=axis, by=by) for axis, by in zip(known.axes, before, strict=True))
    return Field(axes, known.extents)


def _normalised_over_space(call: _Call, sources: Sequence[Source]) -> Field | None:
    """Its statistics are of the whole image, so is what each value sees."""
    _, known = sources[0]
    return Field(tuple(partial(_everything, extent=extent) for extent in known.extents), known.extents)


def _value_by_value(call: _Call, sources: Sequence[Source]) -> Field | None:
    """Position by position; of several maps of one size (a sum, channels laid together) each value sees what all see."""
    shape = call.result.shape[2:]
    alike = [known for tensor, known in sources if tensor.shape[2:] == shape]
    if len(alike) != len(sources) or (call.name == "cat" and call.value(1, "dim", 0) != 1):
        return None
    if len(alike) == 1:
        return alike[0]
    axes = tuple(partial(_joined, parts=parts) for parts in zip(*(one.axes for one in alike), strict=True))
    return Field(axes, alike[0].extents)


def _over_channels(call: _Call, sources: Sequence[Source]) -> Field | None:
    """What weighs the channels of a position against each other mixes no positions."""
    return _value_by_value(call, sources) if call.value(1, "dim", None) == 1 else None


CONVOLUTIONS: Final = frozenset({"conv1d", "conv2d", "conv3d"})
RULES: Final[dict[str, Callable[[_Call, Sequence[Source]], Field | None]]] = {
    **dict.fromkeys(CONVOLUTIONS, _convolution),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), _transposed_convolution),
    **{f"{kind}_pool{n}d": _pooling for kind in ("max", "avg") for n in (1, 2, 3)},
    **{f"adaptive_{kind}_pool{n}d": _adaptive for kind in ("max", "avg") for n in (1, 2, 3)},
    "interpolate": _resampling,
    "pad": _padding,
    **dict.fromkeys(("softmax", "log_softmax"), _over_channels),
    **dict.fromkeys(("instance_norm", "group_norm", "layer_norm"), _normalised_over_space),
    **dict.fromkeys(
        (
            "relu", "leaky_relu", "elu", "gelu", "silu", "hardswish", "sigmoid", "tanh", "prelu", "batch_norm", "dropout",
            "dropout2d", "feature_dropout", "add", "__add__", "__radd__", "__iadd__", "sub", "__sub__", "mul", "__mul__",
            "__rmul__", "__imul__", "div", "__truediv__", "cat", "clone", "contiguous", "to", "float",
            "detach", "relu6", "hardtanh",
        ),
        _value_by_value,
    ),
}  # fmt: skip


def _follow(call: _Call, sources: Sequence[Source]) -> Field | None:
    rule = RULES.get(call.name)
    dimensions = len(sources[0][1].axes) + 2
    if rule is None or call.result.ndim != dimensions or math.prod(call.result.shape[2:]) == 0:
        return None
    return rule(call, sources)


def trace_fields(network: torch.nn.Module, images: Tensor) -> FieldTracer:
    """Run the network once under a tracer; ask it by the tensors that hooks have kept."""
    tracer = FieldTracer(images)
    with torch.no_grad(), tracer:
        network(images)
    return tracer
