"""Two processes train one network together, as `torchrun` starts them on two GPUs; here on two processors."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.cnn.conftest import make_samples
from tests.cnn.test_volumes import NET, make_volumes
from workers.cnn.distributed import read_folder, write_folder
from workers.cnn.model import NetConfig, build_network
from workers.cnn.train import Recipe

ROOT = Path(__file__).parents[2]


def torchrun(folder: Path) -> list[tuple[str, str]]:
    """(rank, digest of its weights) of both processes."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command += ["-m", "workers.cnn.distributed", str(folder)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return sorted(re.findall(r"rank (\d) weights ([0-9a-f]{64})", done.stdout))


@pytest.mark.slow
def test_two_processes_end_with_the_same_weights_and_rank_0_writes_them(tmp_path, net) -> None:
    write_folder(tmp_path, make_samples(), net=net, recipe=Recipe(steps=40, seed=1, batch=4))
    told = torchrun(tmp_path)
    assert [rank for rank, _ in told] == ["0", "1"] and told[0][1] == told[1][1]
    written = (tmp_path / "weights.safetensors").read_bytes()
    assert hashlib.sha256(written).hexdigest() == told[0][1]
    losses = [json.loads(line)["loss"] for line in (tmp_path / "progress.jsonl").read_text().splitlines()]
    assert len(losses) == 40 and np.mean(losses[-8:]) < 0.9 * np.mean(losses[:8])


@pytest.mark.slow
def test_a_3d_training_that_stopped_goes_on_from_its_checkpoint_as_if_it_had_not(tmp_path, monkeypatch) -> None:
    folders = [tmp_path / "whole", tmp_path / "stopped"]
    for folder in folders:
        folder.mkdir()
        write_folder(folder, make_volumes(), net=NET, recipe=Recipe(steps=52, seed=1, batch=1))
    whole = torchrun(folders[0])
    (folders[1] / "checkpoint").write_bytes((folders[0] / "checkpoint").read_bytes())
    assert torchrun(folders[1]) == whole
    assert len((folders[1] / "progress.jsonl").read_text().splitlines()) == 2, "only the last two steps were made anew"


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
