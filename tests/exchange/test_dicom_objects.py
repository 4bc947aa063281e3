"""SEG, SR and RTSTRUCT of other programs, imported among their images: geometry as their own libraries read it."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.django_db

SETS = {
    "ct-3slice": ("dcmqi/segmentations/ct-3slice", "dcmqi/segmentations/liver.dcm", "dcmqi/segmentations/partial_overlaps.dcm"),
    "23": ("dcmqi/segmentations/23x38x3/image", "dcmqi/segmentations/23x38x3/seg"),
    "23mf": ("dcmqi/segmentations/23x38x3/multiframe", "dcmqi/segmentations/23x38x3/seg"),
    "24": ("dcmqi/segmentations/24x38x3/image", "dcmqi/segmentations/24x38x3/seg", "dcmqi/segmentations/sparse-labelmap-noppv.dcm"),
    "24p": ("dcmqi/segmentations/24x38x3/image", "dcmqi/segmentations/sparse-labelmap-ppv5.dcm"),
    "srex": ("dcmqi/sr-example",),
    "hd": ("highdicom",),
    "rt": ("rt_utils",),
    "px": ("prostatex_0207",),
}


@pytest.mark.parametrize("name", SETS)
def test_look(name, real_data, tmp_path, import_folder, capsys):
    import shutil
    from backend.exchange.models import ImportItem, PendingReading
    from backend.readings.models import Reading
    base = tmp_path / "given"
    for part in SETS[name]:
        p = real_data / "dicom_objects" / part
        if p.is_dir():
            shutil.copytree(p, base / p.name, dirs_exist_ok=True)
        else:
            base.mkdir(exist_ok=True); shutil.copy(p, base)
    out = import_folder(base, "--unit", "series", "--modality", "CT", "--name", "x")
    with capsys.disabled():
        print("=====", name); print(out[:3000])
        for i in ImportItem.objects.filter(instance=None): print(i.name, i.state, i.reason)
        for r in Reading.objects.all():
            print(r.case.name, r.reader.name, r.verdict, r.label_kind, [(l.finding_type.name, l.kind, l.points[:2] if l.points else l.mask_origin, l.mask_shape, l.score, l.attributes) for l in r.lesions.all()])
        for p in PendingReading.objects.all(): print("WAITS", p.source, p.reader, len(p.content["images"]), list(p.files))
