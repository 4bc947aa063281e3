"""Rendered images and thumbnails: windows, photometric interpretations, scaling."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut, apply_voi_lut

from tests.dicomweb.answers import parts_of


@pytest.fixture
def render(project, reader, as_person, keep, url_of):
    """The pixels of a dataset's rendered image."""

    def fetch(dataset: Dataset, query: str = "", tail: str = "/rendered") -> np.ndarray:
        answer = as_person(reader).get(url_of(project, keep(project, dataset), tail=tail) + query, HTTP_ACCEPT="image/png")
        assert answer.status_code == 200, answer.content
        return np.asarray(Image.open(io.BytesIO(answer.content)))

    return fetch


def by_formula(values: np.ndarray, center: float, width: float) -> np.ndarray:
    """PS3.3 C.11.2.1.2.1, written out."""
    shown = ((values - (center - 0.5)) / (width - 1) + 0.5) * 255
    return np.clip(shown, 0, 255)


def test_ct_is_shown_in_hounsfield_units_with_the_window_asked(render, example):
    dataset = example("CT_small.dcm")
    hounsfield = apply_modality_lut(dataset.pixel_array, dataset).astype(float)
    shown = render(dataset, "?window=40,400,linear")
    assert np.abs(shown.astype(float) - by_formula(hounsfield, 40, 400)).max() <= 0.51


def test_the_headers_window_is_the_default(render, example):
    dataset = example("MR_small.dcm")
    dataset.WindowCenter, dataset.WindowWidth = [600, 10], [1600, 20]
    expected = by_formula(dataset.pixel_array.astype(float), 600, 1600)
    assert np.abs(render(dataset).astype(float) - expected).max() <= 0.51


def test_sigmoid_and_exact_windows_follow_the_standard(render, example):
    dataset = example("CT_small.dcm")
    hounsfield = apply_modality_lut(dataset.pixel_array, dataset).astype(float)
    sigmoid = 255 / (1 + np.exp(-4 * (hounsfield - 40) / 400))
    assert np.abs(render(dataset, "?window=40,400,sigmoid") - sigmoid).max() <= 0.51
    dataset.SOPInstanceUID += ".1"
    exact = np.clip((hounsfield - 40) / 400 + 0.5, 0, 1) * 255
    assert np.abs(render(dataset, "?window=40,400,linear-exact") - exact).max() <= 0.51


def test_monochrome1_is_inverted(render, example):
    dataset = example("MR_small.dcm")
    dataset.WindowCenter, dataset.WindowWidth = 600, 1600
    normal = render(dataset)
    dataset.PhotometricInterpretation = "MONOCHROME1"
    dataset.SOPInstanceUID += ".1"
    assert np.array_equal(render(dataset), 255 - normal)


def test_a_voi_lut_sequence_is_applied(render, example):
    dataset = example("MR_small.dcm")
    for keyword in ("WindowCenter", "WindowWidth"):
        if keyword in dataset:
            delattr(dataset, keyword)
    item = Dataset()
    item.LUTDescriptor = [4096, 0, 16]
    item["LUTDescriptor"].VR = "US"
    item.LUTData = (np.sqrt(np.linspace(0, 1, 4096)) * 65535).astype(np.uint16).tolist()
    item["LUTData"].VR = "US"
    dataset.VOILUTSequence = [item]
    expected = apply_voi_lut(dataset.pixel_array, dataset).astype(float) / 65535 * 255
    assert np.abs(render(dataset).astype(float) - expected).max() <= 1.01


def test_without_a_window_the_values_that_occur_fill_the_range(render, example):
    dataset = example("MR_small.dcm")
    for keyword in ("WindowCenter", "WindowWidth"):
        if keyword in dataset:
            delattr(dataset, keyword)
    shown = render(dataset)
    assert shown.min() == 0 and shown.max() == 255 and 20 < np.median(shown) < 235


def test_padding_is_black_and_counts_for_no_window(render, example):
    dataset = example("MR_small.dcm")
    for keyword in ("WindowCenter", "WindowWidth"):
        if keyword in dataset:
            delattr(dataset, keyword)
    unpadded = render(dataset)
    pixels = np.pad(dataset.pixel_array, ((0, 0), (0, 64)), constant_values=-2000)
    dataset.PixelData, dataset.Columns = pixels.astype("<i2").tobytes(), pixels.shape[1]
    dataset["PixelPaddingValue"] = DataElement("PixelPaddingValue", "SS", -2000)
    dataset.SOPInstanceUID += ".1"
    shown = render(dataset)
    assert not shown[:, 64:].any() and np.array_equal(shown[:, :64], unpadded)
    dataset.PhotometricInterpretation = "MONOCHROME1"
    dataset.SOPInstanceUID += ".2"
    film = render(dataset)
    assert not film[:, 64:].any() and np.array_equal(film[:, :64], 255 - unpadded)


def test_the_window_of_a_frame_may_have_a_function_of_its_own(render, example):
    dataset = example("MR_small.dcm")
    for keyword in ("WindowCenter", "WindowWidth"):
        if keyword in dataset:
            delattr(dataset, keyword)
    voi, group = Dataset(), Dataset()
    voi.WindowCenter, voi.WindowWidth, voi.VOILUTFunction = 600, 800, "SIGMOID"
    group.FrameVOILUTSequence = [voi]
    dataset.PerFrameFunctionalGroupsSequence = [group]
    sigmoid = 255 / (1 + np.exp(-4 * (dataset.pixel_array.astype(float) - 600) / 800))
    assert np.abs(render(dataset) - sigmoid).max() <= 0.51


def test_colour_is_shown_as_rgb(render, example):
    dataset = example("examples_rgb_color.dcm")
    expected = dataset.pixel_array
    assert np.array_equal(render(dataset), expected)


@pytest.mark.parametrize("name", ["SC_rgb_jpeg_dcmtk.dcm", "JPEG2000.dcm", "examples_jpeg2k.dcm", "examples_ybr_color.dcm"])
def test_other_encodings_are_shown(render, example, name):
    dataset = example(name)
    shown = render(dataset)
    assert shown.shape[:2] == (dataset.Rows, dataset.Columns) and shown.std() > 5


def test_one_frame_of_several_is_shown(render, example):
    dataset = example("CT_small.dcm")
    dataset.PixelData += dataset.pixel_array[::-1].tobytes()
    dataset.NumberOfFrames = 2
    first = render(dataset, tail="/frames/1/rendered")
    dataset.SOPInstanceUID += ".1"
    second = render(dataset, tail="/frames/2/rendered")
    assert np.array_equal(first, second[::-1])


def test_a_viewport_scales_and_crops(render, example):
    dataset = example("CT_small.dcm")
    assert render(dataset, "?viewport=64,200").shape == (64, 64)
    dataset.SOPInstanceUID += ".1"
    whole = render(dataset)
    dataset.SOPInstanceUID += ".2"
    part = render(dataset, "?viewport=32,32,10,20,-32,32")
    assert np.array_equal(part, whole[20:52, 10:42][:, ::-1])


@pytest.mark.parametrize(
    "query",
    [
        "window=1",
        "window=a,b",
        "window=1,0",
        "window=1,2,cubic",
        "viewport=0,1",
        "viewport=9999,9",
        "viewport=1,2,3",
        "quality=0",
        "annotation=patient",
        "iccprofile=srgb",
        "presentationUID=1.2",
    ],
)
def test_bad_parameters_are_refused(project, reader, as_person, keep, example, url_of, query):
    url = url_of(project, keep(project, example("CT_small.dcm")), tail="/rendered")
    assert as_person(reader).get(f"{url}?{query}").status_code == 400


def test_a_thumbnail_is_small_cached_and_the_same_for_all_levels(project, reader, as_person, keep, example, url_of):
    instance = keep(project, example("CT_small.dcm"))
    client = as_person(reader)
    answers = [client.get(url_of(project, instance, level, "/thumbnail")) for level in ("study", "series", "instance")]
    assert len({answer.content for answer in answers}) == 1
    assert Image.open(io.BytesIO(answers[0].content)).size == (208, 156)
    again = client.get(url_of(project, instance, "series", "/thumbnail"), HTTP_IF_NONE_MATCH=answers[0]["ETag"])
    assert again.status_code == 304


def test_a_series_is_rendered_in_parts_or_by_its_middle(project, reader, as_person, keep, example, url_of):
    dataset = example("CT_small.dcm")
    uid = dataset.SOPInstanceUID
    for number in range(3):
        dataset.SOPInstanceUID, dataset.ImagePositionPatient[2] = f"{uid}.{number}", -number
        instance = keep(project, dataset, case="series")
    client, url = as_person(reader), url_of(project, instance, "series", "/rendered?viewport=32,32")
    parts = parts_of(client.get(url, HTTP_ACCEPT='multipart/related; type="image/png"'))
    assert [Image.open(io.BytesIO(body)).size for _, body in parts] == [(32, 32)] * 3
    bare = client.get(url, HTTP_ACCEPT="image/png")
    assert bare["Content-Type"] == "image/png" and bare.content == parts[1][1]


def test_a_study_is_rendered_in_parts_or_by_its_middle_image(project, reader, as_person, keep, example, url_of):
    ct, mr = example("CT_small.dcm"), example("MR_small.dcm")
    mr.StudyInstanceUID, mr.PatientID = ct.StudyInstanceUID, ct.PatientID
    kept = [keep(project, ct), keep(project, mr)]
    client, url = as_person(reader), url_of(project, kept[0], "study", "/rendered")
    parts = parts_of(client.get(url, HTTP_ACCEPT='multipart/related; type="image/png"'))
    one_by_one = [client.get(url_of(project, one, tail="/rendered"), HTTP_ACCEPT="image/png").content for one in kept]
    assert [body for _, body in parts] == one_by_one
    bare = client.get(f"{url}?viewport=16,16", HTTP_ACCEPT="image/png")
    assert Image.open(io.BytesIO(bare.content)).size == (16, 16) and "no-cache" in bare["Cache-Control"]
    assert client.get(url, HTTP_ACCEPT="image/png").content == one_by_one[1]
    assert client.get(url.replace(ct.StudyInstanceUID, "1.2.3.9")).status_code == 404


def test_a_thumbnail_is_scaled_into_the_viewport_that_is_asked_for(project, reader, as_person, keep, example, url_of):
    instance, client = keep(project, example("CT_small.dcm")), as_person(reader)
    etags = set()
    for level in ("study", "series", "instance"):
        usual = client.get(url_of(project, instance, level, "/thumbnail"))
        asked = client.get(url_of(project, instance, level, "/thumbnail?viewport=64,48"))
        assert Image.open(io.BytesIO(asked.content)).size == (48, 48)  # whole and square, where the usual one is cropped
        etags |= {usual["ETag"], asked["ETag"]}
    assert len(etags) == 2
    part = client.get(url_of(project, instance, tail="/frames/1/thumbnail?viewport=40,40,0,0,64,32"))
    assert Image.open(io.BytesIO(part.content)).size == (40, 20)
    assert client.get(url_of(project, instance, tail="/thumbnail?viewport=0,5")).status_code == 400


def test_frames_are_rendered_in_parts_and_have_thumbnails(project, reader, as_person, keep, example, url_of):
    dataset = example("CT_small.dcm")
    dataset.PixelData += dataset.pixel_array[::-1].tobytes()
    dataset.NumberOfFrames = 2
    instance, client = keep(project, dataset), as_person(reader)
    several = url_of(project, instance, tail="/frames/2,1/rendered")
    first, second = (body for _, body in parts_of(client.get(several, HTTP_ACCEPT='multipart/related; type="image/png"')))
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(first))), np.asarray(Image.open(io.BytesIO(second)))[::-1])
    assert client.get(several, HTTP_ACCEPT="image/png").status_code == 406
    small = [client.get(url_of(project, instance, tail=f"/frames/{number}/thumbnail")) for number in (1, 2)]
    assert Image.open(io.BytesIO(small[0].content)).size == (208, 156) and small[0].content != small[1].content
    assert client.get(url_of(project, instance, tail="/frames/3/thumbnail")).status_code == 404


def test_a_thumbnail_is_named_after_what_it_shows_and_never_after_a_row(project, reader, as_person, keep, example):
    """A restored or emptied database gives the same row numbers to other patients' images."""
    from backend.archive.models import Instance
    from backend.archive.store import get_object
    from backend.archive.thumbnails import thumbnail_key
    from backend.projects.models import Case

    client, pictures, etags = as_person(reader), [], []
    for number, name in enumerate(("CT_small.dcm", "MR_small.dcm")):
        image = example(name)
        image.StudyInstanceUID, image.SeriesInstanceUID = f"1.2.7.{number}", f"1.2.7.{number}.1"
        instance = keep(project, image)
        case = Case.objects.get(instance=instance)
        answer = client.get(f"/api/v1/projects/breast/cases/{case.pk}/thumbnail/")
        assert answer.status_code == 200
        key = thumbnail_key(frames_key=instance.frames_key, received_digest=instance.received_digest)
        assert get_object(key) == answer.content and str(instance.pk) not in key.split("/")[1].split(".")
        again = client.get(f"/api/v1/projects/breast/cases/{case.pk}/thumbnail/", HTTP_IF_NONE_MATCH=answer["ETag"])
        assert (again.status_code, again.content) == (304, b"")
        pictures.append(answer.content)
        etags.append(answer["ETag"])
        # The next image gets this one's row number.
        case.delete()
        Instance.objects.filter(pk=instance.pk).delete()
    assert pictures[0] != pictures[1] and etags[0] != etags[1]


def test_the_thumbnail_of_a_series_shows_its_middle_and_embargoed_cases_have_none(
    project, reader, lead, as_person, keep, example
):
    from backend.archive.thumbnails import thumbnail_of
    from backend.projects.models import Case

    made = []
    for number in range(3):
        image = example("CT_small.dcm")
        image.SOPInstanceUID, image.InstanceNumber = f"1.2.8.{number}", number
        image.ImagePositionPatient[2] = -number  # the reverse of the order in which they arrive
        image.PixelData = bytes(byte ^ (number * 7) for byte in image.PixelData)
        made.append(keep(project, image, case="series"))
    case = Case.objects.get(series=made[0].series)
    url = f"/api/v1/projects/breast/cases/{case.pk}/thumbnail/"
    assert as_person(reader).get(url).content == thumbnail_of(made[1])
    Case.objects.filter(pk=case.pk).update(split="EMBARGOED")
    assert as_person(reader).get(url).status_code == 404
    assert as_person(lead).get(url).status_code == 200
