"""A model that is run elsewhere, as a reader of the project: it gives its readings case by case.

What it gives are pre-annotations: shown to nobody before the project's lead chooses so, never in a blinded reading, and
never taken for truth.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID, uuid4

import numpy as np
from numpy.typing import ArrayLike

from .masks import Mask, cropped, encode_mask
from .schema import FindingType, PredictedCase, StoredPrediction
from .schema import ForeignModel as ForeignModelDocument
from .transport import Transport


@dataclass(frozen=True)
class PredictedLesion:
    """A lesion that the model found, by its score in [0, 1].

    Either `mask`, [frames, rows, columns] of the whole case in reading order (or [rows, columns] of an image), or
    `points` [n, 2] as (column, row) on a frame of an image: a box has two opposite corners, an ellipse four ends of its
    axes, a polygon its outline, a point one. The top-left corner of the image is (0, 0).
    """

    finding_type: str | int
    score: float
    kind: str = "mask"
    mask: Mask | None = None
    points: ArrayLike | None = None
    sop_instance_uid: str = ""
    frame: int = 1
    attributes: Mapping[str, str] = field(default_factory=dict)


class ForeignModel:
    """A registered version of a foreign model; `document` is what the server says of it."""

    def __init__(
        self, transport: Transport, slug: str, document: ForeignModelDocument, types: Sequence[FindingType]
    ) -> None:
        self.transport = transport
        self.slug = slug
        self.document = document
        self._types: dict[tuple[str, str], int] = {(one["scope"], one["name"]): one["id"] for one in types}

    def put(
        self,
        case: str,
        images: Sequence[Mapping[str, Any]],
        lesions: Sequence[PredictedLesion] = (),
        *,
        image_findings: Mapping[str, float] | None = None,
        revision_id: UUID | None = None,
    ) -> StoredPrediction:
        """Store what the model found in a case (its id), in place of what it said before.

        `images` are the case's (`Case.images()`). The same `revision_id` again is answered as it was the first time;
        Conflict (code "in_use") once a reader works from what was said before.
        """
        body = {
            "revision_id": str(revision_id or uuid4()),
            "lesions": [self._lesion(lesion, images) for lesion in lesions],
            "image_findings": {str(self._type(name, "image")): score for name, score in (image_findings or {}).items()},
        }
        answer = self.transport.call(
            "prediction_write", json=body, slug=self.slug, model_id=self.document["id"], case_id=case
        )
        return cast(StoredPrediction, answer)

    def check(self, lesions: Sequence[PredictedLesion], image_findings: Mapping[str, float] | None = None) -> None:
        """ValueError where a finding is not in the project's vocabulary."""
        for lesion in lesions:
            self._type(lesion.finding_type, "lesion")
        for name in image_findings or {}:
            self._type(name, "image")

    def cases(self) -> Iterator[PredictedCase]:
        """The cases that it has read: a program that was broken off goes on with the others."""
        start, total = 0, 1
        while start < total:
            page = self.transport.call(
                "prediction_list", query={"offset": start}, slug=self.slug, model_id=self.document["id"]
            )
            yield from page["results"]
            start, total = start + max(1, len(page["results"])), page["total"]

    def show(self, is_shown: bool = True) -> None:
        """The lead's choice: readers are shown these findings instead of the serving version's, or no longer."""
        self.document = cast(
            ForeignModelDocument,
            self.transport.call(
                "foreign_model_show", json={"is_shown": is_shown}, slug=self.slug, model_id=self.document["id"]
            ),
        )

    def _type(self, name: str | int, scope: str) -> int:
        if isinstance(name, int):
            return name
        if (scope, name) not in self._types:
            known = sorted(other for known_scope, other in self._types if known_scope == scope)
            raise ValueError(f"The project has no {scope} finding {name}; it has {', '.join(known)}.")
        return self._types[scope, name]

    def _lesion(self, lesion: PredictedLesion, images: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        told: dict[str, Any] = {
            "finding_type": self._type(lesion.finding_type, "lesion"),
            "kind": lesion.kind,
            "frame": lesion.frame,
            "score": float(lesion.score),
            "attributes": dict(lesion.attributes),
        }
        if lesion.mask is None:
            points = np.asarray(lesion.points, dtype=np.float64).reshape(-1, 2)
            return {**told, "points": points.tolist(), "sop_instance_uid": self._image(lesion, images)}
        origin, mask = cropped(np.asarray(lesion.mask, dtype=bool))
        blob, digest = encode_mask(mask)
        self.transport.send("blob_write", data=blob, slug=self.slug, digest=digest)
        uid, frame = _frame_at(images, origin[0])
        mask_told = {"origin": origin, "shape": list(mask.shape), "digest": digest}
        return {**told, "kind": "mask", "mask": mask_told, "sop_instance_uid": uid, "frame": frame}

    @staticmethod
    def _image(lesion: PredictedLesion, images: Sequence[Mapping[str, Any]]) -> str:
        if lesion.sop_instance_uid:
            return lesion.sop_instance_uid
        if len(images) != 1:
            raise ValueError("The case has several images: say on which the lesion lies (sop_instance_uid).")
        return str(images[0]["sop_instance_uid"])


def _frame_at(images: Sequence[Mapping[str, Any]], index: int) -> tuple[str, int]:
    """The image and the frame in it (from 1) at a place (from 0) in reading order."""
    for image in images:
        if index < image["number_of_frames"]:
            return str(image["sop_instance_uid"]), index + 1
        index -= image["number_of_frames"]
    raise ValueError("The mask has more frames than the case.")
