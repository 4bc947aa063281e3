"""The phantom: deterministic, valid DICOM, exact truth, lesions that are to be seen."""

from __future__ import annotations

import io
import itertools

import numpy as np
import pydicom
import pytest
from scipy import ndimage

from backend.dicom.phantom import ct_series, file_bytes, radiograph
from backend.dicom.phantom_chest import chest
from backend.dicom.phantom_shapes import add_strands, blurred, tube


@pytest.fixture(scope="module")
def people():
    return [radiograph(number) for number in range(1, 9)]


@pytest.fixture(scope="module")
def series():
    return ct_series()


def test_the_same_seed_makes_the_same_file_and_another_seed_another(people):
    assert file_bytes(radiograph(1).dataset) == file_bytes(people[0].dataset)
    assert radiograph(1, seed=2).dataset.PixelData != people[0].dataset.PixelData


def test_radiographs_are_valid_files_that_say_what_they_are(people):
    for made in people:
        dataset = pydicom.dcmread(io.BytesIO(file_bytes(made.dataset)))
        assert dataset.Modality == "DX" and dataset.pixel_array.shape == (512, 512)
        assert int(dataset.pixel_array.max()) < 2**12 and "SYNTHETIC" in dataset.StudyDescription
        assert dataset.BurnedInAnnotation == "YES"
    uids = {made.dataset.SOPInstanceUID for made in people} | {made.dataset.StudyInstanceUID for made in people}
    assert len(uids) == 16 and len({made.dataset.PatientID for made in people}) == 8


def test_synthetic_is_burnt_into_the_pixels(people):
    for made in people:
        corner = made.dataset.pixel_array[84:98, 20:128]
        dots = corner == 4095
        assert 0.2 < dots.mean() < 0.6
        assert np.array_equal(dots, people[0].dataset.pixel_array[84:98, 20:128] == 4095)


def test_some_have_no_lesion_and_both_kinds_occur():
    found = [[lesion.kind for lesion in chest(1, number).lesions] for number in range(1, 13)]
    assert [] in found
    assert {"Nodule", "Mass"} <= {kind for kinds in found for kind in kinds}


def test_lesions_are_single_solid_bodies_brighter_than_what_surrounds_them(people):
    lesions = [(made, kind, mask) for made in people for kind, mask in made.lesions]
    assert len(lesions) >= 6
    for made, kind, mask in lesions:
        assert ndimage.label(mask)[1] == 1
        assert 200 < mask.sum() < (2500 if kind == "Nodule" else 9000)
        pixels = made.dataset.pixel_array.astype(float)
        core = ndimage.binary_erosion(mask, iterations=4)
        ring = ndimage.binary_dilation(mask, iterations=8) & ~ndimage.binary_dilation(mask, iterations=3)
        assert pixels[core].mean() > pixels[ring].mean()


def test_the_ct_is_one_regular_series_in_hounsfield_units(series):
    assert len(series.datasets) == 40
    positions = [float(dataset.ImagePositionPatient[2]) for dataset in series.datasets]
    assert np.allclose(np.diff(positions), 5)
    assert len({dataset.SeriesInstanceUID for dataset in series.datasets}) == 1
    assert len({dataset.SOPInstanceUID for dataset in series.datasets}) == 40
    volume = np.stack([dataset.pixel_array.astype(int) - 1024 for dataset in series.datasets])
    assert abs(np.median(volume[:, 100:140, 5:12]) + 1000) < 60
    for _, mask in series.lesions:
        core = ndimage.binary_erosion(mask, np.ones((1, 3, 3)))
        assert 0 < volume[core].mean() < 80


def test_ct_lesions_are_ellipsoids_of_several_slices(series):
    assert len(series.lesions) == 5
    for _, mask in series.lesions:
        assert mask.shape == (40, 256, 256)
        assert mask.any(axis=(1, 2)).sum() >= 2
        assert ndimage.label(mask, np.ones((3, 3, 3)))[1] == 1


def test_a_tube_holds_each_pixels_distance_from_its_path_also_beyond_the_image():
    path = np.array([[-6.0, 4.0], [10.0, 9.0], [22.0, 40.0]])
    row, column = np.mgrid[:32, :24] + 0.5
    distance = np.full((32, 24), np.inf)
    for (ax, ay), (bx, by) in itertools.pairwise(path):
        along = np.clip(((column - ax) * (bx - ax) + (row - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2), 0, 1)
        distance = np.minimum(distance, np.hypot(column - ax - along * (bx - ax), row - ay - along * (by - ay)))
    assert np.allclose(tube((32, 24), path, 5.0), np.minimum(distance / 5, 1), atol=1e-5)


def test_a_strand_is_as_thick_as_a_round_body_and_the_thicker_of_two_wins():
    thickness = np.zeros((21, 60), dtype=np.float32)
    across = np.array([[[5.0, 10.5], [55.0, 10.5]], [[30.0, 10.5], [55.0, 10.5]]])
    add_strands(thickness, across, np.array([[4.0, 4.0], [6.0, 6.0]]))
    offset = np.abs(np.arange(21) - 10)
    assert np.allclose(thickness[:, 15], 2 * np.sqrt(np.clip(16 - offset**2, 0, None)), atol=1e-4)
    assert np.allclose(thickness[:, 45], 2 * np.sqrt(np.clip(36 - offset**2, 0, None)), atol=1e-4)


@pytest.mark.parametrize("sigma", [0.75, 5.0])
def test_a_blur_is_a_gaussian(sigma):
    image = np.random.default_rng(3).random((96, 80)).astype(np.float32)
    assert np.allclose(blurred(image, sigma), ndimage.gaussian_filter(image, sigma, mode="mirror", truncate=6), atol=2e-3)
