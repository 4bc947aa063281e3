"""PNG and JPEG become Secondary Capture instances, so that one path serves all; no EXIF, no text chunk survives."""

from __future__ import annotations

import warnings
from io import BytesIO
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, JPEGBaseline8Bit, SecondaryCaptureImageStorage

from backend.dicom.bombs import refuse_bomb
from backend.dicom.codestream import parsed_codestream, without_comments
from backend.dicom.file_part import FilePart
from backend.dicom.refusal import Refused
from backend.dicom.uids import keyed_uid

MAX_PICTURE_SAMPLES: Final = 75_000_000
MAX_PICTURE_PIXELS: Final = 64_000_000
_EXIF_ORIENTATION: Final = 0x0112
warnings.simplefilter("ignore", Image.DecompressionBombWarning)
Image.MAX_IMAGE_PIXELS = None  # the size is checked before any decoding


def picture_dataset(data: bytes, *, key: str, modality: str, patient_id: str = "") -> FileDataset:
    """A Secondary Capture data set of a PNG or JPEG; its UIDs follow from the bytes under `key`."""
    image = _opened(data)
    dataset = FileDataset(BytesIO(), {}, preamble=b"\0" * 128, file_meta=FileMetaDataset())
    dataset.SOPClassUID = SecondaryCaptureImageStorage
    dataset.SOPInstanceUID = keyed_uid(key, "picture instance", data)
    dataset.SeriesInstanceUID = keyed_uid(key, "picture series", data)
    dataset.StudyInstanceUID = keyed_uid(key, "picture study", data)
    dataset.Modality = modality
    dataset.ConversionType = "WSD"
    dataset.PatientID = patient_id
    dataset.PatientName = ""
    dataset.InstanceNumber = 1
    dataset.SeriesNumber = 1
    dataset.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    if image.format == "JPEG" and _fill_with_jpeg(dataset, data, image):
        return dataset
    _fill_with_pixels(dataset, _upright(image))
    return dataset


def _opened(data: bytes) -> Image.Image:
    try:
        image = Image.open(BytesIO(data), formats=("PNG", "JPEG"))
        pixels, samples = image.width * image.height, len(image.getbands())
        limit = min(MAX_PICTURE_PIXELS, MAX_PICTURE_SAMPLES // samples)
        if pixels > limit:
            raise Refused(f"Too big: {image.width}×{image.height} pixels, the limit is {limit // 1_000_000} million.")
        refuse_bomb(unpacked=pixels * samples, received=len(data))
        if getattr(image, "n_frames", 1) > 1 and image.format == "PNG":
            raise Refused("Not an image to read: an animation.")
        image.load()
    except (Refused, MemoryError):
        raise
    except UnidentifiedImageError as error:
        raise Refused("Damaged: the picture's header cannot be read.") from error
    except Exception as error:
        reason = "The file ends too early" if "truncated" in str(error) or "too short" in str(error) else "Damaged"
        raise Refused(f"{reason}: the picture cannot be decoded.") from error
    return image


def _upright(image: Image.Image) -> NDArray[np.integer]:
    """Pixels as grey (8 or 16 bit) or RGB, turned as EXIF says; transparency on black; equal channels are grey."""
    # Each of these would copy a picture that needs nothing of it.
    turned = ImageOps.exif_transpose(image) if image.getexif().get(_EXIF_ORIENTATION, 1) != 1 else image
    mode = turned.mode
    if mode in ("I;16", "I;16L", "I;16B", "I"):
        wide = np.asarray(turned)
        if wide.min() < 0 or wide.max() > 65535:
            raise Refused("Grey values of more than 16 bits cannot be shown.")
        return wide.astype("<u2")
    if mode in ("L", "1"):
        return np.asarray(turned.convert("L"))
    if mode == "P" or "A" in mode or "transparency" in turned.info:
        with_alpha = turned.convert("RGBA")
        turned = Image.alpha_composite(Image.new("RGBA", with_alpha.size, (0, 0, 0, 255)), with_alpha)
    rgb = np.asarray(turned if turned.mode == "RGB" else turned.convert("RGB"))
    if np.array_equal(rgb[..., 0], rgb[..., 1]) and np.array_equal(rgb[..., 1], rgb[..., 2]):
        return np.ascontiguousarray(rgb[..., 0])
    return rgb


def _fill_with_pixels(dataset: FileDataset, pixels: NDArray[np.integer]) -> None:
    bits = pixels.dtype.itemsize * 8
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.set_original_encoding(False, True)
    _fill_module(dataset, pixels.shape[0], pixels.shape[1], 3 if pixels.ndim == 3 else 1, bits)
    dataset.PhotometricInterpretation = "RGB" if pixels.ndim == 3 else "MONOCHROME2"
    _put_pixels(dataset, pixels.tobytes(), "OB" if bits == 8 else "OW")


def _fill_with_jpeg(dataset: FileDataset, data: bytes, image: Image.Image) -> bool:
    """Keep the JPEG's own bytes where DICOM and browsers take them: baseline, upright, grey or true colour."""
    stream = parsed_codestream(data)
    if stream.kind != "jpeg" or stream.precision != 8 or stream.components not in (1, 3):
        return False
    if image.getexif().get(_EXIF_ORIENTATION, 1) != 1:
        return False
    if stream.components == 3 and (not stream.is_ycbcr or _upright(image).ndim == 2):
        return False
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    dataset.set_original_encoding(False, True)
    _fill_module(dataset, stream.rows, stream.columns, stream.components, 8)
    dataset.PhotometricInterpretation = "YBR_FULL_422" if stream.components == 3 else "MONOCHROME2"
    dataset.LossyImageCompression = "01"
    dataset.LossyImageCompressionMethod = "ISO_10918_1"
    _put_pixels(dataset, encapsulate([without_comments(data)], has_bot=False), "OB")
    return True


def _put_pixels(dataset: FileDataset, value: bytes, vr: str) -> None:
    dataset.add_new("PixelData", vr, FilePart(BytesIO(value), 0, len(value)))


def _fill_module(dataset: FileDataset, rows: int, columns: int, samples: int, bits: int) -> None:
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = rows, columns, samples
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = bits, bits, bits - 1
    dataset.PixelRepresentation = 0
    if samples == 3:
        dataset.PlanarConfiguration = 0
