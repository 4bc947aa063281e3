"""The network follows from what the images are."""

from __future__ import annotations

import json

import pytest
import torch

from workers.cnn.model import NetConfig, build_network
from workers.cnn.plan import (
    CaseFacts,
    Fingerprint,
    Pair,
    Plan,
    Quad,
    Triple,
    ct_window,
    fingerprint_of,
    kept_plan,
    make_plan,
    pooling,
    settled_window,
)


def images(rows: int = 480, columns: int = 560, lesion: float = 0.2, n: int = 5) -> Fingerprint:
    return fingerprint_of([CaseFacts(1, rows, columns, None, "US")] * n, lesion_shares=[lesion] * 10)


def series(frames: int = 112, spacing: tuple[float, float, float] | None = (2.0, 0.54, 0.54)) -> Fingerprint:
    return fingerprint_of([CaseFacts(frames, 512, 512, spacing, "CT")] * 3, lesion_shares=[0.07])


def test_images_get_the_plain_2d_network_they_always_had_where_it_is_to_learn_from_them_alone() -> None:
    plan = make_plan(images(), device="cpu", encoder="own")
    assert (plan.dimension, plan.size, plan.batch) == ("2d", 128, 8) and plan.because == ("images",)
    assert plan.net(n_types=2, n_findings=3) == Plan.plain(128).net(n_types=2, n_findings=3)
    assert make_plan(images(), device="cuda", encoder="own").widths == (32, 64, 128, 256, 256)
    assert make_plan(images(), device="cpu", dimension="3d").dimension == "2d", "one image has no neighbours"


def test_images_and_slices_get_an_encoder_that_has_learned_before_unless_the_grid_is_too_small_for_it() -> None:
    for plan in (make_plan(images(), device="cpu"), make_plan(series(), device="cpu"), make_plan(images(), device="cuda")):
        assert plan.encoder == "efficientnet_lite0" and plan.because[-1] == "pretrained"
        assert Plan.from_dict(json.loads(json.dumps(plan.as_dict()))) == plan
        net = plan.net(n_types=2, n_findings=3)
        assert net.encoder == plan.encoder and NetConfig.from_dict(json.loads(json.dumps(net.as_dict()))) == net
    assert make_plan(images(28, 28), device="cpu").encoder == "", "one pixel would be left"
    assert make_plan(images(100, 90), device="cpu").size == 128, "a multiple of all its halvings"
    assert make_plan(series(), device="cuda").encoder == "", "photographs have no depth"
    for size in (80, 112, 144):
        plan = make_plan(images(), device="cpu", size=size)
        assert (plan.encoder, plan.size) == ("", size), "chosen when four halvings were all: it cannot be halved five times"
        network = build_network(plan.net(n_types=1, n_findings=2), seed=0)
        assert network(torch.zeros(2, 1, size, size)).types.shape[-1] == size


def test_a_warm_start_keeps_the_encoder_that_it_has() -> None:
    own, learned = (make_plan(images(), device="cpu", encoder=encoder) for encoder in ("own", "pretrained"))
    assert kept_plan(own, learned).encoder == "" and kept_plan(own, learned).because == ("images", "kept")
    assert kept_plan(learned, own).widths == learned.widths and kept_plan(learned, own).because[1:] == ("kept", "pretrained")


def test_series_are_read_with_their_neighbours_on_processors_and_as_volumes_on_a_gpu() -> None:
    on_cpu = make_plan(series(), device="cpu")
    assert (on_cpu.dimension, on_cpu.neighbours, on_cpu.because[0]) == ("2.5d", 5, "series_cpu")
    assert make_plan(series(frames=30, spacing=(5.0, 0.6, 0.6)), device="cpu").neighbours == 3
    on_gpu = make_plan(series(), device="cuda")
    assert on_gpu.dimension == "3d" and on_gpu.norm == "instance" and on_gpu.batch == 2
    for one, why in (
        (series(30, (9.0, 0.6, 0.6)), "anisotropic"),
        (series(12), "few_slices"),
        (series(40, None), "irregular"),
    ):
        plan = make_plan(one, device="cuda")
        assert (plan.dimension, plan.because[0]) == ("2.5d", why)


def test_the_lead_may_choose_the_dimension_where_there_are_slices_for_it() -> None:
    for dimension in ("2d", "2.5d", "3d"):
        plan = make_plan(series(), device="cpu", dimension=dimension, size=64)
        assert (plan.dimension, plan.size, plan.because[0]) == (dimension, 64, "chosen")
    short = make_plan(series(frames=5), device="cpu", dimension="3d")
    assert (short.dimension, short.because[0]) == ("2.5d", "few_slices")


def test_small_lesions_get_a_finer_grid_and_very_small_ones_patches_of_it() -> None:
    assert make_plan(images(2000, 1600, lesion=0.02), device="cpu").size == 256
    fine = make_plan(images(2000, 1600, lesion=0.008), device="cpu")
    assert (fine.size, fine.patch, fine.because) == (512, (256, 256), ("images", "small_lesions", "sliding", "pretrained"))
    assert make_plan(images(2000, 1600, lesion=0.008), device="cpu", size=128).size == 128, "the lead's number holds"
    assert make_plan(images(28, 28), device="cpu").size == 32, "no image is enlarged for nothing"


def test_coarse_slices_are_neither_halved_nor_convolved_across_while_pixels_are_finer() -> None:
    strides, kernels = pooling((4.0, 1.0, 1.0), (16, 64, 64), levels=5)
    assert strides == ((1, 2, 2), (1, 2, 2), (2, 2, 2), (2, 2, 2))
    assert kernels == ((1, 3, 3), (1, 3, 3), (3, 3, 3), (3, 3, 3), (3, 3, 3))
    strides, _ = pooling((1.0, 1.0, 1.0), (8, 64, 64), levels=5)
    assert [stride[0] for stride in strides] == [2, 1, 1, 1], "a short axis keeps four voxels"


def test_slices_are_resampled_only_where_they_are_much_finer_than_the_grid() -> None:
    thin = make_plan(series(400, (0.6, 0.7, 0.7)), device="cpu", dimension="3d")
    assert thin.frame_spacing == pytest.approx(2.8) and thin.depth(400, (0.6, 0.7, 0.7)) == 86
    assert thin.depth(50, None) == 50
    coarse = make_plan(series(), device="cpu", dimension="3d")
    assert coarse.frame_spacing == 2.0 and coarse.depth(112, (2.0, 0.5, 0.5)) == 112 == coarse.depth(112, (2.01, 0.5, 0.5))


@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("spacing", [(0.6, 0.7, 0.7), (2.0, 0.54, 0.54), (5.0, 0.6, 0.6), (8.0, 0.4, 0.4), None])
@pytest.mark.parametrize("frames", [8, 23, 112, 600])
def test_every_planned_3d_network_can_be_built_and_its_patch_can_be_halved(device, spacing, frames) -> None:
    plan = make_plan(series(frames, spacing), device=device, dimension="3d")
    network = build_network(plan.net(n_types=1, n_findings=2), seed=0)
    assert plan.patch[0] % network.frame_stride == 0 and plan.patch[1] % network.stride == 0
    assert plan.patch[0] // network.frame_stride >= 4 and plan.patch[1] // network.stride >= 4
    assert plan.patch[1] <= plan.size


def test_a_plan_survives_json() -> None:
    for plan in (make_plan(images(), device="cpu"), make_plan(series(), device="cuda"), Plan.plain(96)):
        assert Plan.from_dict(json.loads(json.dumps(plan.as_dict()))) == plan


def test_the_serving_versions_plan_is_kept_while_it_fits() -> None:
    old, new = make_plan(images(lesion=0.2), device="cpu"), make_plan(images(lesion=0.03), device="cpu")
    assert kept_plan(None, new) is new and kept_plan(old, new) == new
    kept = kept_plan(Plan.plain(112), make_plan(images(), device="cpu"))
    assert (kept.size, kept.because) == (112, ("images", "kept")) and kept.fingerprint is not None
    far = make_plan(images(2000, 1600, lesion=0.02), device="cpu")
    assert kept_plan(old, far) is far
    assert kept_plan(old, make_plan(series(), device="cpu")).dimension == "2.5d"


def test_a_fingerprint_of_nothing_is_refused_and_spacings_count_only_where_most_are_known() -> None:
    with pytest.raises(ValueError, match="no case"):
        fingerprint_of([])
    known, unknown = CaseFacts(20, 64, 64, (3.0, 1.0, 1.0), "MR"), CaseFacts(20, 64, 64, None, "MR")
    assert fingerprint_of([known, known, unknown]).unit == "mm"
    assert fingerprint_of([known, unknown, unknown]).spacing is None


def greys(
    within: Pair | None, around: Quad | None = (-1000, 30, 40, 1200), images: Triple | None = None, modality: str = "CT"
) -> Fingerprint:
    """Of CT with these percentiles of its lesions, of what is around them, and of its images, in HU."""
    return fingerprint_of(
        [CaseFacts(1, 512, 512, None, modality)],
        intensities=images,
        lesion_intensities=within,
        around_intensities=around if within else None,
    )


def ends(of: Fingerprint) -> Pair:
    center, width = ct_window(of) or (0, 0)
    assert center % 10 == width % 10 == 0 and width >= 80
    return center - width / 2, center + width / 2


def test_a_ct_window_shows_lesions_and_what_is_mostly_around_them_and_half_as_much_again() -> None:
    assert ends(greys((20, 90))) == (-20, 140), "bleedings: the skull beside them is white, air black"
    assert ends(greys((0, 120), (-150, 90, 110, 180))) == (-60, 180), "no further than anything occurs around them"
    assert ends(greys((-300, 100), (-960, -860, -780, 250))) == (-960, 260), "solid nodules: lung is around them"
    assert ends(greys((-100, 100), (-960, -860, 40, 250))) == (-960, 260), "half of them lie at the pleura"
    assert ends(greys((200, 2400), (-100, 40, 300, 1500))) == (-100, 2400), "bone"
    assert ends(greys((-1500, 200), (-2048, -900, 100, 300))) == (-1000, 300), "nothing is thinner than air"


def test_a_ct_window_has_a_least_width() -> None:
    assert ends(greys((5, 12), (3, 6, 10, 14))) == (-30, 50)
    assert ends(greys((5, 12), (5, 12, 12, 12))) == (-30, 50)


def test_without_lesions_a_ct_window_shows_what_the_images_hold_as_far_as_the_usual_one_does() -> None:
    assert ends(greys(None, images=(-2048, -900, 1600))) == (-1000, 400)
    assert ends(greys(None, images=(-80, 30, 220))) == (-80, 220), "images cut out of the body"
    assert ct_window(greys(None)) == (-300, 1400)
    assert ct_window(greys(None, images=(0, 100, 255), modality="MR")) is None


def test_the_window_stands_in_the_plan_of_every_dimension_and_survives_being_written_down() -> None:
    of_series = fingerprint_of(
        [CaseFacts(112, 512, 512, (2.0, 0.54, 0.54), "CT")],
        lesion_intensities=(20.0, 90.0),
        around_intensities=(-1000.0, 30.0, 40.0, 1200.0),
    )
    for dimension, device in (("2d", "cpu"), ("2.5d", "cpu"), ("3d", "cuda")):
        plan = make_plan(of_series, device=device, dimension=dimension)
        assert plan.dimension == dimension and plan.window == plan.ct_window == (60, 160)
        assert Plan.from_dict(json.loads(json.dumps(plan.as_dict()))) == plan
    older = {name: value for name, value in Plan.plain(128).as_dict().items() if name != "ct_window"}
    assert Plan.from_dict(older).window == (-300, 1400)


def test_a_window_that_shows_much_the_same_is_not_worth_another_one() -> None:
    assert settled_window((60, 160), (50, 160)) == (50, 160)
    assert settled_window((60, 160), (60, 180)) == (60, 180)
    assert settled_window((60, 160), (60, 200)) == (60, 160)
    assert settled_window((60, 160), (40, 160)) == (60, 160)
    assert settled_window((60, 160), None) == (60, 160) and settled_window(None, (60, 160)) is None
