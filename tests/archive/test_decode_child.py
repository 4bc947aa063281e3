"""The decoding child: limited, alone, and replaced when it dies; the files after a bad one are none the worse."""

from __future__ import annotations

import os
import resource
import signal
from pathlib import Path

import numpy as np
import pydicom
import pytest

from backend.archive.decode_child import DecodeChild
from backend.dicom.prepare import PreparationSettings
from backend.dicom.refusal import Refused

SETTINGS = PreparationSettings(key="5a" * 32, modality="US")


def test_a_good_file_comes_back_with_its_frames(child, picture):
    prepared, blob = child.prepare(picture(), SETTINGS)
    assert prepared.instance["rows"] == 40
    assert blob.stat().st_size == prepared.instance["frame_ranges"][0][1]


def test_the_child_knows_no_django_and_no_secret(child, picture, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "not-for-children")
    with DecodeChild() as fresh:
        fresh.prepare(picture(), SETTINGS)
        pid = fresh._process.pid
        assert b"not-for-children" not in Path(f"/proc/{pid}/environ").read_bytes()
        assert "django" not in Path(f"/proc/{pid}/maps").read_text()
        assert "Max address space" in (limits := Path(f"/proc/{pid}/limits").read_text())
        assert str(1024**3) in limits


def test_a_child_that_hangs_is_killed_and_the_next_file_goes_on(picture, tmp_path):
    pipe = tmp_path / "never-written"
    os.mkfifo(pipe)
    with DecodeChild() as own:
        own.prepare(picture(), SETTINGS)
        usual, own._wall_seconds = own._wall_seconds, 2  # the child runs by now: its start is not what is timed
        with pytest.raises(Refused, match="takes too long"):
            own.prepare(pipe, SETTINGS)
        own._wall_seconds = usual
        own.prepare(picture(), SETTINGS)


def test_a_child_that_crashes_is_replaced(picture):
    with DecodeChild() as own:
        own.prepare(picture(), SETTINGS)
        first = own._process.pid
        os.kill(first, signal.SIGSTOP)
        os.kill(first, signal.SIGSEGV)
        os.kill(first, signal.SIGCONT)
        with pytest.raises(Refused, match="crash"):
            own._asked({"path": "x"})
        own.prepare(picture(), SETTINGS)
        assert own._process.pid != first


def test_a_file_that_needs_too_much_memory_is_refused_and_the_next_goes_on(make_dicom, as_file, picture, tmp_path):
    path = tmp_path / "big.dcm"
    path.write_bytes(as_file(make_dicom(np.zeros((8000, 8000), "<u2"))))
    # The libraries alone take 280 MiB of addresses; a child that has less than its start needs would fail by chance.
    with DecodeChild(memory_bytes=384 * 1024**2) as own:
        own.prepare(picture(), SETTINGS)
        first = own._process
        with pytest.raises(Refused, match="more memory"):
            own.prepare(path, SETTINGS)
        own.prepare(picture(), SETTINGS)
        assert own._process is not first, "what is left of its memory may be in pieces"


def test_a_decoder_that_turns_in_a_circle_is_ended_soon(make_dicom, as_file, picture, tmp_path):
    dataset = make_dicom(np.zeros((128, 128), np.uint8))
    # JPEG-LS whose scan is a byte long: CharLS reads zeros behind its end, for three to twelve seconds of CPU time.
    stream = bytes.fromhex("ffd8fff7000b0800800080010111 00ffda0008010100000000 00")
    dataset.PixelData = pydicom.encaps.encapsulate([stream])
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.JPEGLSLossless
    path = tmp_path / "circle.dcm"
    path.write_bytes(as_file(dataset))
    with DecodeChild(cpu_seconds=1) as own:
        own.prepare(picture(), SETTINGS)
        with pytest.raises(Refused, match="too long"):
            own.prepare(path, SETTINGS)
        own.prepare(picture(), SETTINGS)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    with DecodeChild() as own:
        own.prepare(picture(), SETTINGS)
        # So small a file is allowed little; a fast processor comes to its end even before.
        with pytest.raises(Refused, match="too long|cannot be decoded"):
            own.prepare(path, SETTINGS)
    now = resource.getrusage(resource.RUSAGE_CHILDREN)  # of the child, its start included, ended or not before its time
    assert now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime < 5
