"""The loop learns, and can be stopped at any step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from tests.cnn.conftest import make_samples
from workers.cnn.checkpoint import (
    CheckpointCorrupt,
    decode_checkpoint,
    decode_snapshots,
    decode_weights,
    encode_checkpoint,
    encode_snapshots,
    encode_weights,
    network_of,
)
from workers.cnn.data import IGNORED, UNKNOWN
from workers.cnn.model import NetConfig, build_network, shrink_and_perturb, transfer_weights
from workers.cnn.predict import predict
from workers.cnn.train import (
    Recipe,
    Training,
    TrainingDiverged,
    dice_loss,
    finding_loss,
    merge_unknown_types,
    pixel_loss,
    probe_precision,
    rate_share,
    snapshot_steps,
)


def lesion_dice(training: Training, samples) -> float:
    network = network_of(training.weights(), config=training.network.config)
    said = predict(network, samples.images, samples.content).types.argmax(axis=1)
    truth = samples.targets
    shared = ((said == truth) & (truth > 0)).sum()
    return 2 * shared / ((said > 0).sum() + (truth > 0).sum())


def test_it_learns_two_kinds_of_discs_and_tells_them_on_images_it_never_saw(samples, net) -> None:
    training = Training(samples, net=net, recipe=Recipe(steps=150, seed=0))
    losses = [progress.loss for progress in training.run()]
    assert np.mean(losses[-20:]) < 0.5 * np.mean(losses[:20])
    unseen = make_samples(seed=9)
    assert lesion_dice(training, unseen) > 0.7


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(samples, net, precision) -> None:
    recipe = Recipe(steps=12, seed=3, precision=precision)
    whole = Training(samples, net=net, recipe=recipe)
    expected = [progress.loss for progress in whole.run()]
    first = Training(samples, net=net, recipe=recipe)
    losses = [first.advance().loss for _ in range(5)]
    torch.rand(17)  # other users of the global generator do not matter
    second = Training(samples, net=net, recipe=recipe)
    second.restore(decode_checkpoint(encode_checkpoint(first.state())))
    losses += [progress.loss for progress in second.run()]
    assert losses == expected
    for name, value in whole.weights().items():
        assert torch.equal(value, second.weights()[name]), name


def test_the_same_seed_gives_the_same_losses_and_another_seed_others(samples, net) -> None:
    def losses(seed: int) -> list[float]:
        return [progress.loss for progress in Training(samples, net=net, recipe=Recipe(steps=3, seed=seed)).run()]

    assert losses(1) == losses(1)
    assert losses(1) != losses(2)


def test_a_loss_that_is_no_number_stops_the_run(samples, net) -> None:
    training = Training(samples, net=net, recipe=Recipe(steps=3, seed=0))
    with torch.no_grad():
        training.network.type_head.lesion.weight.fill_(float("nan"))
    with pytest.raises(TrainingDiverged, match="step 1"):
        training.advance()


def test_an_empty_training_set_is_refused(samples, net) -> None:
    empty = samples.take([])
    with pytest.raises(ValueError, match="no labelled image"):
        Training(empty, net=net, recipe=Recipe(steps=3, seed=0))


def test_one_image_or_one_class_or_nothing_but_background_still_trains(net) -> None:
    for keep in ([1], [0, 3, 6], [1, 4]):
        some = make_samples()
        some = some.take(keep)
        assert all(np.isfinite(progress.loss) for progress in Training(some, net=net, recipe=Recipe(steps=3, seed=0)).run())


def test_images_with_image_level_labels_alone_train_only_the_image_head(samples, net) -> None:
    samples.targets[:] = IGNORED
    samples.findings[:, 1:] = UNKNOWN
    training = Training(samples, net=net, recipe=Recipe(steps=1, seed=0))
    before = training.network.type_head.lesion.weight.detach().clone()
    training.advance()
    shrunk = before * (1 - training.optimizer.param_groups[0]["lr"] * training.recipe.weight_decay)
    assert torch.allclose(training.network.type_head.lesion.weight, shrunk)


def test_ignored_pixels_do_not_move_the_losses() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 3, 8, 8, generator=generator)
    targets = torch.randint(0, 3, (2, 8, 8), generator=generator)
    targets[:, :4] = IGNORED
    other = logits.clone()
    other[:, :, :4] = 9.0
    assert torch.equal(pixel_loss(logits, targets), pixel_loss(other, targets))
    assert torch.allclose(dice_loss(logits, targets), dice_loss(other, targets))


def test_losses_of_nothing_are_zero_and_not_nan() -> None:
    logits = torch.randn(2, 3, 4, 4)
    nothing = torch.full((2, 4, 4), IGNORED)
    assert pixel_loss(logits, nothing) == 0 and dice_loss(logits, nothing) == 0
    assert finding_loss(torch.randn(2, 3), torch.full((2, 3), UNKNOWN, dtype=torch.uint8)) == 0


def test_dice_is_the_mean_of_the_types_that_are_there() -> None:
    targets = torch.zeros((1, 4, 4), dtype=torch.long)
    targets[0, 0] = 1
    right = functional.one_hot(targets, 4).movedim(-1, 1) * 20.0
    wrong_type, missed = right[:, [0, 2, 1, 3]], right[:, [1, 0, 2, 3]]
    assert dice_loss(right, targets) == pytest.approx(0, abs=1e-6), "types that are not there do not count"
    assert dice_loss(wrong_type, targets) == pytest.approx(1 - 1 / 5, abs=1e-6)
    targets[0, 1] = 3
    assert dice_loss(right, targets) == pytest.approx((0 + (1 - 1 / 5)) / 2, abs=1e-6)
    assert dice_loss(missed, targets) > 0.8


def test_a_small_lesion_counts_as_much_as_a_large_one_in_another_image() -> None:
    targets = torch.zeros((2, 8, 8), dtype=torch.long)
    targets[0, :7] = 1
    only_the_large_one = functional.one_hot(targets, 2).movedim(-1, 1) * 20.0
    targets[1, 0, :4] = 1
    assert dice_loss(only_the_large_one, targets) == pytest.approx((0 + (1 - 1 / 5)) / 2, abs=1e-4)
    targets[1] = 0
    assert dice_loss(only_the_large_one, targets) == pytest.approx(0, abs=1e-4), "an image without lesion does not count"


def test_of_what_the_types_teach_a_tenth_goes_on_into_the_network_and_all_of_where_a_lesion_is() -> None:
    head = build_network(NetConfig(n_types=2, n_findings=1, widths=(4, 4, 8)), seed=0).type_head
    generator = torch.Generator().manual_seed(0)
    levels = [torch.randn(1, 4, side, side, generator=generator, requires_grad=True) for side in (4, 8)]
    targets = torch.randint(0, 3, (1, 8, 8), generator=generator)

    def pulls(*, training: bool, of_types: bool) -> list[torch.Tensor]:
        logits = head.train(training)(levels)
        if of_types:
            loss = pixel_loss(logits[:, 1:], torch.where(targets > 0, targets - 1, IGNORED))
        else:
            lesion = torch.cat([logits[:, :1], logits[:, 1:].logsumexp(dim=1, keepdim=True)], dim=1)
            loss = pixel_loss(lesion, (targets > 0).long())
        return list(torch.autograd.grad(loss, levels, allow_unused=True))

    for learning, asking in zip(pulls(training=True, of_types=True), pulls(training=False, of_types=True), strict=True):
        assert torch.allclose(learning, 0.1 * asking, atol=1e-9) and asking.abs().max() > 0
    where = [pulls(training=training, of_types=False)[-1] for training in (True, False)]
    assert torch.allclose(where[0], where[1], atol=1e-8) and where[0].abs().max() > 0


def test_background_of_an_old_reading_may_hold_a_type_that_did_not_exist_then() -> None:
    logits = torch.tensor([0.0, 1.0, 5.0])[None, :, None, None].expand(1, 3, 2, 2)
    targets = torch.zeros((1, 2, 2), dtype=torch.long)
    known, old = torch.tensor([[True, True]]), torch.tensor([[True, False]])
    punished = pixel_loss(merge_unknown_types(logits, known), targets)
    forgiven = pixel_loss(merge_unknown_types(logits, old), targets)
    assert punished > 4 and forgiven < 0.05


def test_the_learning_rate_warms_up_and_falls() -> None:
    recipe = Recipe(steps=100, seed=0)
    shares = [rate_share(step, recipe) for step in range(100)]
    assert shares[0] == pytest.approx(0.1) and shares[9] == pytest.approx(1.0)
    assert shares[10:] == sorted(shares[10:], reverse=True) and shares[-1] < 0.03


def test_a_torn_checkpoint_and_foreign_weights_are_seen(samples, net) -> None:
    training = Training(samples, net=net, recipe=Recipe(steps=1, seed=0))
    blob = encode_checkpoint(training.state())
    for torn in (blob[:-1], blob[:40], b"", blob[:100] + bytes([blob[100] ^ 1]) + blob[101:]):
        with pytest.raises(CheckpointCorrupt):
            decode_checkpoint(torn)
    data, digest = encode_weights(training.weights(), config=net, project="breast")
    assert all(torch.equal(value, training.ema[name]) for name, value in decode_weights(data, sha256=digest).items())
    with pytest.raises(CheckpointCorrupt):
        decode_weights(data, sha256="0" * 64)


def test_a_warm_start_keeps_what_each_output_had_learned_when_the_vocabulary_grows() -> None:
    old = build_network(NetConfig(n_types=2, n_findings=2, widths=(4, 4)), seed=1)
    new = build_network(NetConfig(n_types=3, n_findings=3, widths=(4, 4)), seed=2)
    fresh = new.type_head.kind.weight[1].clone()
    transfer_weights(
        old.state_dict(),
        network=new,
        old_types=[7, 9],
        new_types=[9, 12, 7],
        old_findings=["any", "7"],
        new_findings=["7", "any", "12"],
    )
    assert torch.equal(new.type_head.background.weight, old.type_head.background.weight)
    assert torch.equal(new.type_head.lesion.weight, old.type_head.lesion.weight)
    assert torch.equal(new.type_head.levels[0].weight, old.type_head.levels[0].weight)
    assert torch.equal(new.type_head.kind.weight[0], old.type_head.kind.weight[1])
    assert torch.equal(new.type_head.kind.weight[1], fresh)
    assert torch.equal(new.type_head.kind.weight[2], old.type_head.kind.weight[0])
    assert torch.equal(new.finding_head.weight[0], old.finding_head.weight[1])
    other = build_network(NetConfig(n_types=3, n_findings=3, widths=(8, 8)), seed=2)
    with pytest.raises(ValueError, match="another shape"):
        transfer_weights(old.state_dict(), network=other, old_types=[7, 9], new_types=[7], old_findings=[], new_findings=[])


def test_a_second_lesion_type_is_told_from_the_first_anew_but_both_are_found_as_the_first_was() -> None:
    old = build_network(NetConfig(n_types=1, n_findings=1, widths=(4, 4)), seed=1)
    new = build_network(NetConfig(n_types=2, n_findings=1, widths=(4, 4)), seed=2)
    same = {"old_findings": ["any"], "new_findings": ["any"]}
    transfer_weights(old.state_dict(), network=new, old_types=[7], new_types=[7, 9], **same)
    images = torch.randn(2, 1, 16, 16)
    said, before = new.eval()(images).types.softmax(dim=1), old.eval()(images).types.softmax(dim=1)
    assert torch.allclose(said[:, 1:].sum(dim=1), before[:, 1], atol=1e-6)
    transfer_weights(new.state_dict(), network=old, old_types=[7, 9], new_types=[9], **same)
    assert torch.allclose(old(images).types.softmax(dim=1)[:, 1], before[:, 1], atol=1e-6)


def test_several_types_on_one_map_as_they_once_were_are_refused_in_words() -> None:
    config = NetConfig(n_types=2, n_findings=1, widths=(4, 4))
    network = build_network(config, seed=1)
    once = {name: value for name, value in network.state_dict().items() if not name.startswith("type_head")}
    once |= {"type_head.weight": torch.zeros(3, 4, 1, 1), "type_head.bias": torch.zeros(3)}
    with pytest.raises(CheckpointCorrupt, match="another shape"):
        network_of(once, config=config)
    same = {"old_findings": ["any"], "new_findings": ["any"]}
    with pytest.raises(ValueError, match="a head of their own"):
        transfer_weights(once, network=network, old_types=[7, 9], new_types=[7, 9], **same)


def test_shrunk_and_perturbed_weights_keep_half_of_what_was_learned_and_normalisation_begins_anew() -> None:
    config = NetConfig(n_types=1, n_findings=1, widths=(4, 4))
    network, fresh = build_network(config, seed=1), build_network(config, seed=9)
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if "running_mean" in name or name.endswith("bias"):
                value.fill_(3.0)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    shrink_and_perturb(network, seed=9)
    after, other = network.state_dict(), fresh.state_dict()
    for name, value in after.items():
        if value.ndim > 1:
            assert torch.allclose(value, 0.5 * before[name] + 0.1 * other[name])
        else:
            assert torch.equal(value, other[name])


def test_a_busy_moment_does_not_decide_in_which_precision_is_trained(net, monkeypatch) -> None:
    steps = iter(range(100))

    def seconds(training: Training) -> float:
        busy = 3.0 if 3 <= next(steps) < 6 else 1.0
        return busy * (1.0 if training.recipe.precision == "bfloat16" else 2.2)

    monkeypatch.setattr("workers.cnn.train._seconds", seconds)
    assert probe_precision(32, net=net) == "bfloat16"


def test_the_network_has_the_size_it_is_said_to_have() -> None:
    network = build_network(NetConfig(n_types=2, n_findings=3), seed=0)
    assert 0.9e6 < sum(value.numel() for value in network.parameters()) < 1.4e6
    assert network.stride == 16


def test_weights_from_the_end_of_a_training_are_kept_where_asked_and_survive_a_stop(samples, net) -> None:
    recipe = Recipe(steps=12, seed=3, batch=4, snapshots=3)
    whole = Training(samples, net=net, recipe=recipe)
    for _ in whole.run():
        pass
    assert len(whole.snapshots) == 3
    stopped = Training(samples, net=net, recipe=recipe)
    for _ in range(10):
        stopped.advance()
    assert len(stopped.snapshots) == 1
    resumed = Training(samples, net=net, recipe=recipe)
    resumed.restore(decode_checkpoint(encode_checkpoint(stopped.state())))
    for _ in resumed.run():
        pass
    data, digest = encode_snapshots(resumed.snapshots)
    for kept, again in zip(whole.snapshots, decode_snapshots(data, sha256=digest), strict=True):
        assert all(torch.equal(kept[name], again[name]) for name in kept)
    last = whole.snapshots[-1]
    assert any(not torch.equal(last[name], value) for name, value in whole.snapshots[0].items())
    plain = Training(samples, net=net, recipe=replace(recipe, snapshots=0))
    for _ in plain.run():
        pass
    assert plain.snapshots == [] and all(torch.equal(v, whole.weights()[n]) for n, v in plain.weights().items())


def test_the_weights_that_are_kept_lie_in_the_last_third() -> None:
    assert snapshot_steps(Recipe(steps=120, seed=0, snapshots=3)) == {93, 107, 120}
    assert snapshot_steps(Recipe(steps=1, seed=0, snapshots=3)) == {1} and snapshot_steps(Recipe(steps=9, seed=0)) == set()
