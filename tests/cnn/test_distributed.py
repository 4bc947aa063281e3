"""Two processes train one network together, as `torchrun` starts them on two GPUs; here on two processors."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.cnn.conftest import make_samples
from tests.cnn.test_volumes import NET, make_volumes
from tests.processes import processes_of
from workers.cnn.checkpoint import decode_checkpoint, encode_checkpoint, encode_weights
from workers.cnn.distributed import (
    CHECKPOINT_STEPS,
    NO_SERVER,
    JointTraining,
    ProcessesFailed,
    read_folder,
    torchrun_command,
    write_folder,
)
from workers.cnn.model import NetConfig, build_network
from workers.cnn.plan import Plan, with_pretrained
from workers.cnn.self_training import SelfTraining, Unread
from workers.cnn.train import Recipe, TrainingDiverged

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def own_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of a training lies in the test's own, by which its processes are told from others'."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def torchrun(folder: Path) -> list[tuple[str, str]]:
    """(rank, digest of its weights) of both processes, started by hand."""
    command = torchrun_command(folder, 2)
    environment = {**os.environ, **NO_SERVER, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive", "PYTHONPATH": str(ROOT)}
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


@pytest.mark.parametrize("made", [make_samples, make_volumes])
def test_what_people_have_read_and_of_which_image_is_told_to_the_processes(made, tmp_path, net) -> None:
    newest, image_of = np.array([True] * 2 + [False] * 4), np.array([0, 0, 1, 2, 2, 3])
    samples = replace(made(6), newest=newest, image_of=image_of)
    write_folder(tmp_path, samples, net=net, recipe=Recipe(steps=2, seed=1, newest_share=0.5))
    read, *_ = read_folder(tmp_path)
    assert read.newest.tolist() == newest.tolist() and read.image_of.tolist() == image_of.tolist()


@pytest.mark.slow
def test_a_teacher_and_a_student_are_trained_by_two_processes_and_gone_on_with_from_a_checkpoint(net) -> None:
    """The checkpoint of the processes is some steps behind: `state()` says the step that it is of."""
    seen = make_samples(9, seed=5)

    def begun() -> SelfTraining:
        return SelfTraining(
            make_samples(),
            Unread(seen.images, seen.content),
            recipe=Recipe(steps=2 * (CHECKPOINT_STEPS + 4), seed=1, batch=4),
            begin=lambda samples, recipe: JointTraining(samples, net=net, recipe=recipe, processes=2),
        )

    whole, half = begun(), CHECKPOINT_STEPS + 4
    steps, kept = [], {}
    for progress in whole.run():
        steps.append(progress.step)
        if progress.step == half + CHECKPOINT_STEPS + 2:
            kept = whole.state()
    assert steps == list(range(1, 2 * half + 1)) and whole.processes == 2
    assert kept["step"] in (half + CHECKPOINT_STEPS, 2 * half), "the processes may be ahead of what is read of them"
    other = begun()
    other.restore(decode_checkpoint(encode_checkpoint(kept)))
    assert [progress.step for progress in other.run()] == list(range(kept["step"] + 1, 2 * half + 1))
    one, two = (encode_weights(made.weights(), config=net)[1] for made in (whole, other))
    assert one == two


@pytest.mark.slow
def test_an_encoder_that_has_learned_before_stays_the_same_in_all_processes(tmp_path) -> None:
    net = with_pretrained(Plan.plain(64)).net(n_types=2, n_findings=3)
    write_folder(tmp_path, make_samples(n=8, size=64), net=net, recipe=Recipe(steps=3, seed=1, batch=2))
    told = torchrun(tmp_path)
    assert told[0][1] == told[1][1]


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


class Running:
    """A long training in a thread of its own, from its first step on."""

    def __init__(self, net: NetConfig, place: Path) -> None:
        self.training = JointTraining(
            make_samples(), net=net, recipe=Recipe(steps=100_000, seed=1, batch=4), processes=2, on_wait=self.wait
        )
        self.place, self.told, self.cancelled = place, [], False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def wait(self) -> None:
        if self.cancelled:
            raise InterruptedError("nobody wants it any more")

    def run(self) -> None:
        try:
            list(self.training.run())
        except (ProcessesFailed, InterruptedError) as error:
            self.told.append(error)

    def first_step(self) -> list[int]:
        """torchrun and those that it has started, once they train."""
        until(lambda: self.training.step > 0)
        return processes_of(str(self.place))

    def end(self) -> Exception:
        """How it ended; no process is left."""
        self.thread.join(60)
        until(lambda: not processes_of(str(self.place)))
        return self.told[0]


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def listening(pids: list[int]) -> list[str]:
    """The addresses, as the kernel writes them (proc(5)), at which these processes listen."""
    sockets = {os.readlink(link) for pid in pids for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()}
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return [row[1].partition(":")[0] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in sockets]


@pytest.mark.slow
def test_the_processes_listen_to_nobody_outside_this_machine(tmp_path, net) -> None:
    running = Running(net, tmp_path)
    pids = running.first_step()
    heard = listening(pids)
    running.cancelled = True
    assert len(pids) == 3 and set(heard) == {"0100007F"}
    assert isinstance(running.end(), InterruptedError)


@pytest.mark.slow
@pytest.mark.parametrize("victim", [min, max], ids=["torchrun", "one of them"])
def test_where_one_is_killed_all_end_and_whoever_waits_may_go_on_from_the_checkpoint(tmp_path, net, victim) -> None:
    running = Running(net, tmp_path)
    os.kill(victim(running.first_step()), signal.SIGKILL)
    told = running.end()
    assert isinstance(told, ProcessesFailed) and isinstance(told, ConnectionError)
    assert len(str(told)) > 40 and "====" not in str(told)


@pytest.mark.slow
def test_a_training_whose_processes_have_not_yet_said_anything_can_be_ended(tmp_path, net) -> None:
    running = Running(net, tmp_path)
    until(lambda: bool(processes_of(str(tmp_path))))
    running.cancelled = True
    assert isinstance(running.end(), InterruptedError) and running.training.step == 0


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
