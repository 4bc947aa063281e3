"""Volumes of an import: which are images and which masks, and that the masks lie on the images that came with them."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from pathlib import Path

import nibabel
import nrrd
import numpy as np
import pytest

from backend.archive.models import Archive, Instance, QuarantinedFile, Series
from backend.archive.quarantine import original_of
from backend.dicom.uids import keyed_uid
from backend.dicom.volume_image import LOOKS_LIKE_LABELS
from backend.exchange.export_selection import case_frames, lesion_masks
from backend.exchange.import_options import ImportOptions
from backend.exchange.models import ImportItem, PendingReading
from backend.exchange.quarantine_services import release_files, run_release
from backend.exchange.services import (
    OfferedFile,
    create_import_run,
    import_from_server,
    perform_import,
    receive_chunk,
)
from backend.exchange.sources import upload_folder
from backend.jobs.models import Job
from backend.jobs.services import claim_job
from backend.projects.models import Case, Project
from backend.readings.models import Lesion, Reading
from tests.dicom.volume_files import metaimage, nifti, nrrd_file, raw
from tests.exchange import phantoms
from tests.exchange.test_research_formats import exported, masks_of, series  # noqa: F401

pytestmark = pytest.mark.django_db
OTHER_FOLDER = "Its header names a file of voxels in another folder, which is not opened; put them side by side."
SHAPE = (40, 36, 8)
LPS = np.array([[0.7, 0, 0, -20], [0, 0.9, 0, -30], [0, 0, 2.5, 40], [0, 0, 0, 1.0]])
RAS = np.array([[-0.7, 0, 0, 20], [0, -0.9, 0, 30], [0, 0, 2.5, 40], [0, 0, 0, 1.0]])
"""The same directions the other way round: such a volume is mirrored when it is hung."""


def ct(seed: int) -> np.ndarray:
    """A volume of its own kind: no two look alike."""
    coarse = np.random.default_rng(seed).normal(0, 300, (5, 4, 2))
    noise = np.random.default_rng(seed + 100).normal(0, 20, SHAPE)
    return np.clip(np.kron(coarse, np.ones((8, 9, 4))) + noise, -1024, 3000).astype(np.int16)


def mask(*corner: int, value: int = 1) -> np.ndarray:
    made = np.zeros(SHAPE, dtype=np.uint8)
    i, j, k = corner
    made[i : i + 5, j : j + 4, k : k + 2] = value
    return made


@pytest.fixture
def project(db: None) -> Project:
    """A project of CT whose cases are series."""
    archive = Archive.objects.create(slug="lung", name="lung", deid_profile="none")
    return Project.objects.create(slug="lung", name="Lung", modality="CT", unit="series", archive=archive)


@pytest.fixture
def bring(project: Project, tmp_path: Path):
    """Imports files by name into the project; gives the state and the reason of each."""

    def run(files: dict[str, bytes | str], *, into: Project | None = None, **options: object) -> dict[str, tuple[str, str]]:
        folder = tmp_path / "given"
        shutil.rmtree(folder, ignore_errors=True)
        for name, data in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)
        chosen = ImportOptions(source=str(folder), **options)  # type: ignore[arg-type]
        made, _ = import_from_server(project=into or project, by=None, options=chosen, limit=None, on_item=lambda *_: None)
        return {item.name: (item.state, item.reason) for item in ImportItem.objects.filter(run=made)}

    return run


def marked(case: Case, finding: str = "") -> np.ndarray:
    """All that is marked in a case [frame, row, column]."""
    frames = case_frames(case)
    found = np.zeros((len(frames), frames[0].rows, frames[0].columns), bool)
    lesions = Lesion.objects.filter(reading__case=case)
    for lesion in lesions.filter(finding_type__name=finding) if finding else lesions:
        for frame, part in lesion_masks(lesion, frames):
            found[frame.index] |= part
    return found


@pytest.mark.parametrize(("affine", "flips"), [(LPS, slice(None)), (RAS, slice(None, None, -1))])
def test_a_lone_volume_is_a_case_and_the_mask_beside_it_its_reading(bring, affine, flips: slice):
    told = bring({"scan_17.nii.gz": nifti(ct(1), affine), "scan_17_seg.nii.gz": nifti(mask(3, 5, 1), affine)})
    assert told == {"scan_17.nii.gz": ("imported", ""), "scan_17_seg.nii.gz": ("imported", "Readings.")}
    case = Case.objects.get()
    assert case.name == "CT-0001" and Instance.objects.get(series=case.series).number_of_frames == SHAPE[2]
    assert np.array_equal(marked(case), mask(3, 5, 1).transpose(2, 1, 0)[:, flips, flips] > 0)


def test_importing_twice_changes_nothing(bring):
    files = {"scan_1.nii.gz": nifti(ct(1), LPS), "scan_1_seg.nii.gz": nifti(mask(3, 5, 1), LPS)}
    bring(files)
    told = bring(files)
    assert told["scan_1.nii.gz"] == ("duplicate", "Already here as CT-0001.")
    assert (Case.objects.count(), Reading.objects.count(), Instance.objects.count()) == (1, 1, 1)


def test_an_nnunet_dataset_comes_in_with_its_labels(bring):
    dataset = {"channel_names": {"0": "CT"}, "labels": {"background": 0, "tumour": 1, "cyst": 2}, "file_ending": ".nii.gz"}
    base = "Dataset007_Pancreas"
    files: dict[str, bytes | str] = {f"{base}/dataset.json": json.dumps(dataset)}
    for number in (1, 2):
        files[f"{base}/imagesTr/pancreas_{number:03d}_0000.nii.gz"] = nifti(ct(number), LPS)
        labels = mask(3, 5, number, value=1) + mask(20, 20, 3, value=2)
        files[f"{base}/labelsTr/pancreas_{number:03d}.nii.gz"] = nifti(labels, LPS)
    files[f"{base}/imagesTs/pancreas_003_0000.nii.gz"] = nifti(ct(3), LPS)
    Project.objects.update(modality="OT")
    told = bring(files)
    assert {state for state, _ in told.values()} <= {"imported", "embargoed"}, told
    assert set(Series.objects.values_list("modality", flat=True)) == {"CT"}
    assert Case.objects.count() == 3 and Reading.objects.count() == 2
    for number in (1, 2):
        item = ImportItem.objects.get(name=f"{base}/imagesTr/pancreas_{number:03d}_0000.nii.gz")
        assert np.array_equal(marked(item.case, "tumour"), mask(3, 5, number).transpose(2, 1, 0) > 0)
        assert np.array_equal(marked(item.case, "cyst"), mask(20, 20, 3).transpose(2, 1, 0) > 0)


def test_the_channels_of_an_nnunet_case_are_series_of_one_study_and_the_mask_lies_on_the_first(bring):
    dataset = {"channel_names": {"0": "T1", "1": "FLAIR"}, "labels": {"background": 0, "tumour": 1}}
    told = bring(
        {
            "dataset.json": json.dumps(dataset),
            "imagesTr/brain_0000.nii.gz": nifti(ct(4), LPS),
            "imagesTr/brain_0001.nii.gz": nifti(ct(5), LPS),
            "labelsTr/brain.nii.gz": nifti(mask(3, 5, 1), LPS),
        }
    )
    assert {state for state, _ in told.values()} == {"imported"}, told
    first, second = Series.objects.order_by("series_number")
    assert first.study_id == second.study_id and first.frame_of_reference_uid == second.frame_of_reference_uid
    assert [(one.modality, one.series_description) for one in (first, second)] == [("MR", "T1"), ("MR", "FLAIR")]
    assert len(set(Case.objects.values_list("split", flat=True))) == 1
    assert Reading.objects.get().case.series == first


@pytest.mark.parametrize("lost_at", [1, 2])
def test_the_channels_of_a_case_stay_together_where_its_import_is_taken_up_again(project, lost_at: int):
    files = {f"imagesTr/brain_{number:04d}.nii.gz": nifti(ct(40 + number), LPS) for number in range(2)}
    run = upload(project, files)

    def is_lost(_item: object, done: int, _total: int) -> None:
        if done == lost_at:
            raise SystemExit

    with pytest.raises(SystemExit):
        perform_import(run=run, on_item=is_lost)
    assert not Case.objects.exists()
    perform_import(run=run, on_item=lambda *_: None)
    ((group, split),) = set(Case.objects.values_list("group_key", "split"))
    assert Case.objects.count() == 2 and group and split


@pytest.mark.parametrize("deid", ["none", "basic"])
@pytest.mark.parametrize("ending", ["raw", "zraw"])
def test_a_luna16_folder_comes_in_with_its_spheres(bring, project, deid: str, ending: str):
    Archive.objects.update(deid_profile=deid)
    Project.objects.update(modality="OT")
    uid = "1.3.6.1.4.1.14519.5.2.1.6279.6001.105756658031515062000744821260"
    header = metaimage(ct(6), LPS, voxel_file=f"{uid}.{ending}", CompressedData=str(ending == "zraw"))
    told = bring(
        {
            f"subset0/{uid}.mhd": header,
            f"subset0/{uid}.{ending}": raw(ct(6), packed=ending == "zraw"),
            f"seg-lungs-LUNA16/{uid}.mhd": metaimage(
                mask(1, 1, 1, value=3), LPS, voxel_file=f"{uid}.zraw", CompressedData="True"
            ),
            f"seg-lungs-LUNA16/{uid}.zraw": raw(mask(1, 1, 1, value=3), packed=True),
            "annotations.csv": f"seriesuid,coordX,coordY,coordZ,diameter_mm\n{uid},-9.5,-16.5,50.0,3.0\n",
        },
        into=Project.objects.get(),
    )
    assert told[f"subset0/{uid}.mhd"] == ("imported", "")
    assert told[f"subset0/{uid}.{ending}"] == ("imported", f"The voxels of subset0/{uid}.mhd.")
    assert told[f"seg-lungs-LUNA16/{uid}.mhd"][1].startswith("It is a mask by its folder or name; masks are read from")
    case = Case.objects.get()
    assert case.series.modality == "CT" and (case.series.series_instance_uid == uid) == (deid == "none")
    found = np.argwhere(marked(case))
    assert Reading.objects.get().reader.name == "LUNA16"
    # The centre of the sphere is that of voxel (15, 15, 4).
    assert tuple(found.mean(axis=0)) == pytest.approx((4, 15, 15))


def test_two_volumes_that_claim_one_series_are_no_case_together(bring):
    uid = "1.3.6.1.4.1.14519.5.2.1.6279.6001.1057"
    told = bring({f"a/{uid}.mha": metaimage(ct(7), LPS), f"b/{uid}.mha": metaimage(ct(8), LPS)})
    assert sorted(state for state, _ in told.values()) == ["imported", "refused"]
    assert bring({f"b/{uid}.mha": metaimage(ct(8), LPS)})[f"b/{uid}.mha"][0] == "imported"
    assert Case.objects.count() == 2 and Series.objects.count() == 2


def test_our_nnunet_export_comes_back_into_an_empty_project_voxel_by_voxel(series, tmp_path):
    folder = exported(series, "nnunet", tmp_path / "out", pictures=True)
    archive = Archive.objects.create(slug="other", name="other", deid_profile="none")
    other = Project.objects.create(slug="other", name="Other", modality="CT", unit="series", archive=archive)
    phantoms.import_images(other, folder)
    compared = 0
    for labels in folder.glob("*/labelsT?/*.nii.gz"):
        told = json.loads((labels.parent.parent / "dataset.json").read_text())
        reading = Reading.objects.get(case__project=other, reader__name=told["reader"])
        frames = case_frames(reading.case)
        volume, affine = np.asarray(nibabel.load(labels).dataobj), nibabel.load(labels).affine
        to_ours = np.linalg.inv(np.array(reading.case.series.affine)) @ np.diag([-1, -1, 1, 1]) @ affine
        found = np.zeros((len(frames), frames[0].rows, frames[0].columns), int)
        for lesion in Lesion.objects.filter(reading=reading).select_related("finding_type"):
            for frame, part in lesion_masks(lesion, frames):
                found[frame.index][part] = told["labels"][lesion.finding_type.name]
        places = np.rint(np.argwhere(volume >= 0) @ to_ours[:3, :3].T + to_ours[:3, 3]).astype(int)
        assert np.array_equal(found[tuple(places.T)], volume[volume >= 0])
        compared += int(np.count_nonzero(volume))
    assert compared > 100
    image = nibabel.load(next(folder.glob("*/images??/*.nii.gz")))
    assert Instance.objects.get(series__study__archive=archive).number_of_frames == image.shape[2]


def test_our_nifti_export_comes_back_into_an_empty_project(series, tmp_path):
    folder = exported(series, "nifti", tmp_path / "out", pictures=True)
    archive = Archive.objects.create(slug="other", name="other", deid_profile="none")
    other = Project.objects.create(slug="other", name="Other", modality="CT", unit="series", archive=archive)
    phantoms.import_images(other, folder)
    for reader in ("LIDC 1", "Ärztin Nr. 2"):
        before, after = (sorted(volume.tobytes() for _, volume in masks_of(one, reader)) for one in (series[0], other))
        assert after == before
        assert Reading.objects.filter(case__project=other, reader__name=reader).count() == 1


@pytest.mark.parametrize(("name", "voxels"), [("lung1", 837), ("lung2", 24_644), ("brain1", 4_137)])
def test_real_volumes_come_in_with_their_tumours(bring, real_data: Path, name: str, voxels: int):
    source = real_data / "volumes_pyradiomics"
    files = {path.name: path.read_bytes() for path in source.glob(f"{name}_*.nrrd")}
    told = bring(files)
    assert {state for state, _ in told.values()} == {"imported"}, told
    case = Case.objects.get()
    found = marked(case)
    assert int(found.sum()) == voxels
    labels, header = nrrd.read(str(source / f"{name}_label.nrrd"), index_order="F")
    theirs = np.eye(4)
    theirs[:3, :3], theirs[:3, 3] = np.array(header["space directions"]).T, header["space origin"]
    to_ours = np.linalg.inv(np.array(case.series.affine)) @ theirs
    at = np.rint(np.argwhere(labels > 0) @ to_ours[:3, :3].T + to_ours[:3, 3]).astype(int)
    assert found[tuple(at.T)].all()


def test_a_volume_that_lies_in_a_folder_of_masks_is_never_an_image(bring):
    told = bring({"labels/a.nii.gz": nifti(ct(9), LPS), "masks/b.nrrd": nrrd_file(mask(1, 1, 1), LPS)}, volumes="images")
    assert not Case.objects.exists() and not Instance.objects.exists()
    assert told["masks/b.nrrd"] == ("imported", "Readings.") and PendingReading.objects.count() == 2


def test_a_volume_named_like_a_case_is_its_mask(bring):
    bring({"scan.nii.gz": nifti(ct(10), LPS)})
    told = bring({"CT-0001.nii.gz": nifti(mask(3, 5, 1), LPS)})
    assert told == {"CT-0001.nii.gz": ("imported", "Readings.")}
    assert Case.objects.count() == 1 and marked(Case.objects.get()).sum() == 40


def test_a_volume_with_the_name_of_a_dicom_file_beside_it_is_its_mask(bring, make_dicom, as_file):
    pixels = np.random.default_rng(3).integers(0, 1000, (36, 40)).astype(np.int16)
    labels = np.zeros((40, 36, 1), np.uint8)
    labels[3:8, 5:9] = 1
    told = bring({"a.dcm": as_file(make_dicom(pixels)), "a.nii.gz": nifti(labels, None)})
    assert told == {"a.dcm": ("imported", ""), "a.nii.gz": ("imported", "Readings.")}
    assert marked(Case.objects.get()).sum() == 20


def test_where_nothing_says_mask_or_image_the_voxels_are_asked_and_a_mask_is_never_an_image(bring):
    assert bring({"thing.nii.gz": nifti(mask(3, 5, 1), LPS)})["thing.nii.gz"] == ("refused", LOOKS_LIKE_LABELS)
    assert not Case.objects.exists()
    assert bring({"thing.nii.gz": nifti(mask(3, 5, 1), LPS)}, volumes="masks")["thing.nii.gz"][0] == "imported"
    assert not Case.objects.exists() and PendingReading.objects.count() == 1
    assert bring({"thing.nii.gz": nifti(mask(3, 5, 1), LPS)}, volumes="images")["thing.nii.gz"][0] == "imported"
    assert Case.objects.count() == 1


def test_the_folder_that_is_named_for_masks_holds_masks(project):
    files = {"ct/scan.nii.gz": nifti(ct(22), LPS), "truth/scan.nii.gz": nifti(mask(3, 5, 1), LPS)}
    perform_import(run=upload(project, files, masks_prefix="truth/"), on_item=lambda *_: None)
    assert marked(Case.objects.get()).sum() == 40


def test_masks_are_told_where_readings_are_not_looked_for(bring):
    told = bring({"a_seg.nii.gz": nifti(mask(3, 5, 1), LPS)}, readings_format="none")
    assert told["a_seg.nii.gz"] == ("refused", "It is a mask by its folder or name, and readings are not looked for.")


def test_an_image_that_is_refused_is_not_taken_for_a_mask(bring):
    sheared = LPS.copy()
    sheared[0, 2] = 0.5
    told = bring({"scan.nii.gz": nifti(ct(11), sheared)})
    assert told["scan.nii.gz"] == ("refused", "Its axes are not at right angles (it is sheared). Nothing is resampled here.")
    assert not PendingReading.objects.exists()


def test_a_mask_that_does_not_say_where_it_lies_is_refused_on_a_volume_that_was_turned(bring):
    told = bring({"scan.nii.gz": nifti(ct(12), RAS), "scan_seg.nii.gz": nifti(mask(3, 5, 1), None)})
    assert told["scan_seg.nii.gz"] == (
        "refused", "It does not say where it lies in the patient, and CT-0001 was turned by what its own file says.",
    )  # fmt: skip
    told = bring({"loose.nii.gz": nifti(ct(13), None), "loose_seg.nii.gz": nifti(mask(3, 5, 1), None)})
    assert told["loose_seg.nii.gz"] == ("imported", "Readings.")


@pytest.mark.parametrize("written", ["nhdr", "mhd"])
def test_a_header_and_its_voxels_are_one_volume(bring, written: str, tmp_path: Path):
    if written == "mhd":
        header = metaimage(ct(14), LPS, voxel_file="scan.raw")
    else:
        attached = nrrd_file(ct(14), LPS, encoding="raw")
        header = attached[: attached.index(b"\n\n") + 1] + b"data file: ./scan.raw\n"
    assert bring({f"one/scan.{written}": header, "one/scan.raw": raw(ct(14))}) == {
        f"one/scan.{written}": ("imported", ""),
        "one/scan.raw": ("imported", f"The voxels of one/scan.{written}."),
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(f"scan.{written}", header)
        archive.writestr("scan.raw", raw(ct(14)))
    (tmp_path / "volumes.zip").write_bytes(packed.getvalue())
    phantoms.import_images(Project.objects.get(), tmp_path / "volumes.zip")
    assert Case.objects.count() == 1 and ImportItem.objects.filter(state="duplicate").count() == 2


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        ("../secret.raw", OTHER_FOLDER),
        ("/etc/passwd", OTHER_FOLDER),
        ("..\\secret.raw", OTHER_FOLDER),
        ("absent.raw", "Its header names a file of voxels that is not beside it; choose both together."),
        ("LIST", "Its voxels are spread over several files; save it as one."),
        ("slice%03d.raw 1 8 1", "Its voxels are spread over several files; save it as one."),
    ],
)  # fmt: skip
def test_a_header_opens_no_file_but_one_beside_it(bring, named: str, reason: str):
    header = metaimage(ct(15), LPS, voxel_file=named)
    detached = (
        b"NRRD0005\ntype: short\ndimension: 3\nsizes: 40 36 8\nencoding: raw\nendian: little\ndata file: " + named.encode()
    )
    told = bring({"secret.raw": raw(ct(15)), "in/scan.mhd": header, "in/other.nhdr": detached + b"\n"})
    assert told["in/scan.mhd"] == told["in/other.nhdr"] == ("refused", reason)
    assert not Case.objects.exists()


def test_a_damaged_volume_is_kept_in_quarantine(bring):
    data = nifti(ct(16), LPS, packed=False)[:-900]
    told = bring({"scan.nii": data})
    assert told["scan.nii"][1].startswith("The file ends too early:")
    kept = QuarantinedFile.objects.get()
    assert kept.facts["format"] == "nifti" and (kept.facts["columns"], kept.facts["frames"]) == (40, 8)


def test_a_volume_is_one_case_of_a_project_of_images(bring, project):
    Project.objects.update(unit="image")
    bring({"scan.nii.gz": nifti(ct(17), RAS), "scan_seg.nii.gz": nifti(mask(3, 5, 1), RAS)}, into=Project.objects.get())
    case = Case.objects.get()
    assert case.instance is not None and marked(case).sum() == 40


def test_a_dataset_of_metaimage_comes_in_with_its_labels(bring):
    dataset = {"channel_names": {"0": "CT"}, "labels": {"background": 0, "tumour": 1}, "file_ending": ".mha"}
    told = bring(
        {
            "dataset.json": json.dumps(dataset),
            "imagesTr/a_0000.mha": metaimage(ct(18), RAS),
            "labelsTr/a.mha": metaimage(mask(3, 5, 1), RAS, packed=True),
        }
    )
    assert {state for state, _ in told.values()} == {"imported"}, told
    assert marked(Case.objects.get(), "tumour").sum() == 40


def test_a_volume_that_a_lead_has_to_look_at_becomes_what_it_would_have_been(bring, make_person):
    Archive.objects.update(deid_profile="basic", deid_options=["clean_pixels"])
    Project.objects.update(modality="US")
    uid = "1.3.6.1.4.1.14519.5.2.1.6279.6001.1058"
    told = bring({f"{uid}.mha": metaimage(ct(19), LPS)}, into=Project.objects.get())
    assert told[f"{uid}.mha"][0] == "held"
    held = QuarantinedFile.objects.get()
    release_files(project=Project.objects.get(), ids=[held.pk], rectangles=[], whole_device=False, by=make_person("lena"))
    lease = claim_job(Job.objects.order_by("-created_at")[0].pk)
    assert lease is not None
    run_release(lease)
    case = Case.objects.get()
    archive = Archive.objects.get()
    assert case.series.series_instance_uid == keyed_uid(archive.key, "uid", uid)
    assert case.series.affine is not None


def upload(project: Project, files: dict[str, bytes], **options: str):
    """A run to which these files were sent, and that is not started."""
    offered = [OfferedFile(name, len(data)) for name, data in files.items()]
    run = create_import_run(project=project, by=None, files=offered, options=ImportOptions(**options))
    for item in ImportItem.objects.filter(run=run):
        receive_chunk(item=item, offset=0, data=files[item.name])
    return run


@pytest.mark.parametrize("packed", [True, False])
def test_a_mask_that_is_uploaded_is_read_like_one_of_a_folder(project, packed: bool):
    ending = "nii.gz" if packed else "nii"
    written = {"scan": nifti(ct(21), LPS, packed=packed), "scan_seg": nifti(mask(3, 5, 1), LPS, packed=packed)}
    perform_import(
        run=upload(project, {f"{name}.{ending}": data for name, data in written.items()}), on_item=lambda *_: None
    )
    assert set(ImportItem.objects.values_list("state", "reason")) == {("imported", ""), ("imported", "Readings.")}
    assert marked(Case.objects.get()).sum() == 40


def test_an_upload_keeps_nothing_of_a_volume_in_two_files(project):
    run = upload(project, {"scan.mhd": metaimage(ct(20), LPS, voxel_file="scan.raw"), "scan.raw": raw(ct(20))})
    left: list[list[str]] = []
    perform_import(run=run, on_item=lambda *_: left.append([one.name for one in upload_folder(run.pk).iterdir()]))
    assert left == [[]]  # both are gone as soon as the volume is in the archive
    assert set(ImportItem.objects.values_list("state", flat=True)) == {"imported"} and Case.objects.count() == 1


def detached(volume: np.ndarray, affine: np.ndarray, voxel_file: str) -> bytes:
    """The header of an NRRD whose voxels lie in a file beside it."""
    attached = nrrd_file(volume, affine, encoding="raw")
    return attached[: attached.index(b"\n\n") + 1] + f"data file: {voxel_file}\n".encode()


def kept(item: ImportItem) -> bytes:
    """What quarantine holds of a file."""
    assert item.quarantined is not None
    with original_of(item.quarantined) as path:
        return path.read_bytes()


def test_a_mask_in_two_files_that_is_refused_is_kept_with_its_voxels(project):
    between = LPS + np.array([[0, 0, 0, 0.3], [0] * 4, [0] * 4, [0] * 4])
    files = {
        "scan.nii.gz": nifti(ct(23), LPS),
        "scan_seg.nhdr": detached(mask(3, 5, 1), between, "scan_seg.raw"),
        "scan_seg.raw": raw(mask(3, 5, 1)),
    }
    run = upload(project, files)
    perform_import(run=run, on_item=lambda *_: None)
    told = {item.name: item for item in ImportItem.objects.filter(run=run)}
    assert told["scan_seg.nhdr"].state == told["scan_seg.raw"].state == "refused"
    assert told["scan_seg.raw"].reason == "The voxels of scan_seg.nhdr."
    assert {name: kept(told[name]) for name in files if name != "scan.nii.gz"} == {
        name: data for name, data in files.items() if name != "scan.nii.gz"
    }


def test_a_mask_in_two_files_that_is_read_takes_its_voxels_with_it(project):
    files = {
        "scan.nii.gz": nifti(ct(23), LPS),
        "scan_seg.nhdr": detached(mask(3, 5, 1), LPS, "scan_seg.raw"),
        "scan_seg.raw": raw(mask(3, 5, 1)),
    }
    perform_import(run=upload(project, files), on_item=lambda *_: None)
    assert dict(ImportItem.objects.values_list("name", "reason")) == {
        "scan.nii.gz": "",
        "scan_seg.nhdr": "Readings.",
        "scan_seg.raw": "The voxels of scan_seg.nhdr.",
    }
    assert set(ImportItem.objects.values_list("state", flat=True)) == {"imported"}
    assert marked(Case.objects.get()).sum() == 40


def test_the_voxels_of_a_volume_that_a_lead_has_to_look_at_wait_with_it(project, make_person):
    Archive.objects.update(deid_profile="basic", deid_options=["clean_pixels"])
    Project.objects.update(modality="US")
    files = {"scan.mhd": metaimage(ct(24), LPS, voxel_file="scan.raw"), "scan.raw": raw(ct(24))}
    perform_import(run=upload(Project.objects.get(), files), on_item=lambda *_: None)
    held = QuarantinedFile.objects.get()
    assert set(ImportItem.objects.values_list("state", "quarantined")) == {("held", held.pk)}
    release_files(project=Project.objects.get(), ids=[held.pk], rectangles=[], whole_device=False, by=make_person("lena"))
    lease = claim_job(Job.objects.order_by("-created_at")[0].pk)
    assert lease is not None
    run_release(lease)
    assert set(ImportItem.objects.values_list("state", flat=True)) == {"imported"} and Case.objects.count() == 1


@pytest.mark.parametrize("affine", [LPS, LPS + np.array([[0, 0, 0.5, 0], [0] * 4, [0] * 4, [0] * 4])])
def test_voxels_that_two_headers_name_stay_until_the_last_is_told(project, affine: np.ndarray):
    files = {
        "a.mhd": metaimage(ct(25), affine, voxel_file="scan.raw"),
        "b.nhdr": detached(ct(25), LPS, "scan.raw"),
        "scan.raw": raw(ct(25)),
    }
    run = upload(project, files)
    voxels = ImportItem.objects.get(name="scan.raw")
    path = upload_folder(run.pk) / str(voxels.pk)
    there: list[bool] = []
    perform_import(run=run, on_item=lambda *_: there.append(path.exists()))
    is_refused = affine is not LPS
    assert there == [True, is_refused]
    voxels.refresh_from_db()
    assert ImportItem.objects.get(name="b.nhdr").state == "imported"
    assert (ImportItem.objects.get(name="a.mhd").state == "refused") == is_refused
    assert voxels.state == ("refused" if is_refused else "imported") and voxels.reason == "The voxels of a.mhd."
    assert not is_refused or kept(voxels) == files["scan.raw"]


def test_a_volume_whose_voxels_go_meanwhile_is_refused_and_the_others_come_in(project, picture):
    files = {
        "a.png": picture(1).read_bytes(),
        "scan.mhd": metaimage(ct(26), LPS, voxel_file="scan.raw"),
        "scan.raw": raw(ct(26)),
        "z.nii.gz": nifti(ct(27), LPS),
    }
    run = upload(project, files)
    path = upload_folder(run.pk) / str(ImportItem.objects.get(name="scan.raw").pk)
    perform_import(run=run, on_item=lambda *_: path.unlink(missing_ok=True))
    told = {item.name: (item.state, item.reason) for item in ImportItem.objects.filter(run=run)}
    assert told["scan.mhd"] == ("refused", "Its bytes were gone before it was imported.")
    assert told["scan.raw"][0] == "refused" and told["z.nii.gz"] == ("imported", "")
