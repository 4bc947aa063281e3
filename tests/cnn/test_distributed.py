"""Two processes train one network together, as `torchrun` starts them on two GPUs; here on two processors."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from tests.cnn.conftest import make_samples
from tests.cnn.test_volumes import NET, make_volumes
from tests.processes import processes_of
from workers.cnn.checkpoint import decode_checkpoint, encode_checkpoint, encode_weights
from workers.cnn.distributed import CHECKPOINT_STEPS, JointTraining, ProcessesFailed, read_folder, write_folder
from workers.cnn.model import NetConfig, build_network
from workers.cnn.train import Recipe, TrainingDiverged

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def own_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of a training lies in the test's own, by which its processes are told from others'."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def torchrun(folder: Path) -> list[tuple[str, str]]:
    """(rank, digest of its weights) of both processes, started by hand."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command += ["-m", "workers.cnn.distributed", str(folder)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return sorted(re.findall(r"rank (\d) weights ([0-9a-f]{64})", done.stdout))


def digest_of(training: JointTraining) -> str:
    return encode_weights(training.weights(), config=training.network.config)[1]


@pytest.mark.slow
def test_two_processes_end_with_the_same_weights_by_hand_and_from_a_notebook(tmp_path, net) -> None:
    samples, recipe = make_samples(), Recipe(steps=40, seed=1, batch=4, snapshots=2)
    write_folder(tmp_path, samples, net=net, recipe=recipe)
    told = torchrun(tmp_path)
    assert [rank for rank, _ in told] == ["0", "1"] and told[0][1] == told[1][1]
    assert hashlib.sha256((tmp_path / "weights.safetensors").read_bytes()).hexdigest() == told[0][1]
    training = JointTraining(samples, net=net, recipe=recipe, processes=2)
    progress = list(training.run())
    assert [one.step for one in progress] == list(range(1, 41)) and training.step == 40
    assert digest_of(training) == told[0][1] and len(training.snapshots) == 2
    losses = [one.loss for one in progress]
    assert np.mean(losses[-8:]) < 0.9 * np.mean(losses[:8])
    assert [json.loads(line)["loss"] for line in (tmp_path / "progress.jsonl").read_text().splitlines()] == losses
    assert progress[-1].core_seconds == training.core_seconds > 0
    assert not list(tmp_path.glob("training-*")) and not processes_of(str(tmp_path)) and not list(training.run())


@pytest.mark.slow
def test_a_3d_training_that_was_left_goes_on_from_its_checkpoint_as_if_it_had_not(tmp_path) -> None:
    volumes, recipe = make_volumes(), Recipe(steps=3 * CHECKPOINT_STEPS + 3, seed=1, batch=1)
    whole = JointTraining(volumes, net=NET, recipe=recipe, processes=2)
    last = list(whole.run())[-1]
    left = JointTraining(volumes, net=NET, recipe=recipe, processes=2)
    assert left.state()["step"] == 0
    running = left.run()
    while next(running).step <= CHECKPOINT_STEPS:
        pass
    kept = encode_checkpoint(left.state())
    running.close()
    assert not processes_of(str(tmp_path)) and not list(tmp_path.glob("training-*"))
    other = JointTraining(volumes, net=NET, recipe=recipe, processes=2)
    other.restore(decode_checkpoint(kept))
    assert other.step % CHECKPOINT_STEPS == 0 and 0 < other.step < recipe.steps
    missing = list(range(other.step + 1, recipe.steps + 1))
    made = list(other.run())
    assert [one.step for one in made] == missing
    assert made[-1].loss == last.loss and digest_of(other) == digest_of(whole)
    of_three = JointTraining(volumes, net=NET, recipe=recipe, processes=3)
    with pytest.raises(ValueError, match="a training in 2 processes, not in 3"):
        of_three.restore(decode_checkpoint(kept))


@pytest.mark.slow
def test_a_loss_that_is_no_number_is_told_as_by_one_process(net) -> None:
    recipe = Recipe(steps=40, seed=1, batch=4, rate=float("inf"))
    with pytest.raises(TrainingDiverged, match="the loss at step 2 is nan"):
        list(JointTraining(make_samples(), net=net, recipe=recipe, processes=2).run())


@pytest.mark.slow
def test_processes_whose_torchrun_is_killed_end_and_the_training_says_so(tmp_path, net) -> None:
    training = JointTraining(make_samples(), net=net, recipe=Recipe(steps=100_000, seed=1, batch=4), processes=2)
    told: list[BaseException] = []

    def run() -> None:
        try:
            list(training.run())
        except ProcessesFailed as error:
            told.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    deadline = time.monotonic() + 120
    while not training.step and time.monotonic() < deadline:
        time.sleep(0.1)
    starter = min(processes_of(str(tmp_path)))
    os.kill(starter, signal.SIGKILL)
    thread.join(60)
    while (left := processes_of(str(tmp_path))) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not left and not thread.is_alive()
    assert "code -9" in str(told[0]) or "torchrun is gone" in str(told[0])


def test_a_folder_says_again_what_was_written_into_it(tmp_path, net) -> None:
    plain = make_samples(n=3)
    start = build_network(net, seed=4).state_dict()
    write_folder(tmp_path, plain, net=net, recipe=Recipe(steps=3, seed=1), start=start)
    samples, config, recipe, weights = read_folder(tmp_path)
    assert (samples.images == plain.images).all() and config == net and recipe == Recipe(steps=3, seed=1)
    assert weights is not None and all((weights[name] == value).all() for name, value in start.items())
    write_folder(tmp_path, make_volumes(3), net=NET, recipe=Recipe(steps=3, seed=1))
    volumes, config, _, weights = read_folder(tmp_path)
    assert [one.shape for one in volumes.targets] == [one.shape for one in make_volumes(3).targets]
    assert isinstance(config, NetConfig) and config == NET and weights is None
