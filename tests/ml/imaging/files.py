"""Makers of scan files for tests: pictures of every format and DICOM in every transfer syntax."""

from __future__ import annotations

import struct
import zlib
from copy import deepcopy
from io import BytesIO
from tempfile import NamedTemporaryFile
from typing import Any

import gdcm
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import uid
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filewriter import write_file_meta_info
from pydicom.pixels import get_encoder
from pydicom.pixels.utils import as_pixel_options
from pydicom.sequence import Sequence

ULTRASOUND = "1.2.840.10008.5.1.4.1.1.6.1"
ULTRASOUND_LOOP = "1.2.840.10008.5.1.4.1.1.3.1"
MAMMOGRAM = "1.2.840.10008.5.1.4.1.1.1.2"
PATIENT = {"PatientName": "Doe^Jane", "PatientID": "ID-4711", "PatientBirthDate": "19610203"}
"""Header values that no error may quote."""
Pixels = NDArray[Any]


def scene(height: int = 48, width: int = 64, seed: int = 0) -> Pixels:
    """A grey scene: uint8 (H, W), smooth with a little speckle, touching both 0 and 255."""
    rows, columns = np.mgrid[:height, :width]
    waves = 120 + 90 * np.sin(columns / 9 + seed) * np.cos(rows / 7)
    speckle = np.random.default_rng(seed).normal(0, 6, (height, width))
    grey = np.clip(waves + speckle, 0, 255).astype(np.uint8)
    grey[0, 0], grey[-1, -1] = 0, 255
    return grey


def colour_scene(height: int = 48, width: int = 64, seed: int = 0) -> Pixels:
    """uint8 (H, W, 3): three different grey scenes as red, green and blue."""
    return np.dstack([scene(height, width, seed + channel) for channel in range(3)])


def picture(pixels: Pixels, name: str, mode: str | None = None, **options: Any) -> bytes:
    """Encode with Pillow; `name` as Pillow knows it, `options` go to its writer."""
    image = Image.fromarray(pixels)
    return encoded(image.convert(mode) if mode else image, name, **options)


def encoded(image: Image.Image, name: str, **options: Any) -> bytes:
    out = BytesIO()
    image.save(out, name, **options)
    return out.getvalue()


def animation(frames: list[Pixels], name: str, **options: Any) -> bytes:
    """A multi-page TIFF or an animated WebP or PNG."""
    first, *rest = [Image.fromarray(frame) for frame in frames]
    return encoded(first, name, save_all=True, append_images=rest, **options)


def huge_png(width: int, height: int) -> bytes:
    """A PNG of some hundred bytes that announces width x height grey pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(10_000))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def dicom(pixels: Pixels, syntax: str = uid.ExplicitVRLittleEndian, **elements: Any) -> bytes:
    """A DICOM file of `pixels`: (H, W) or (H, W, 3) for one frame, (N, ...) with NumberOfFrames=N.

    `elements` override those of the header by keyword; None removes one.
    """
    loop = "NumberOfFrames" in elements
    return written(_dataset(pixels, syntax, loop, elements), list(pixels) if loop else [pixels])


def ultrasound_loop(frames: int = 4, height: int = 48, width: int = 64, **elements: Any) -> bytes:
    """An ultrasound loop in JPEG baseline, RGB, with one tissue region of 0.1 mm x 0.2 mm pixels."""
    pixels = np.stack([colour_scene(height, width, seed) for seed in range(frames)])
    settings = {
        "NumberOfFrames": frames,
        "SOPClassUID": ULTRASOUND_LOOP,
        "PhotometricInterpretation": "YBR_FULL_422",
        "SequenceOfUltrasoundRegions": [region(4, 2, width - 5, height - 3)],
    }
    return dicom(pixels, uid.JPEGBaseline8Bit, **(settings | elements))


def region(x0: int, y0: int, x1: int, y1: int, **elements: Any) -> Dataset:
    """An item of (0018,6011); its corners are its first and last pixels."""
    item = Dataset()
    item.RegionSpatialFormat, item.RegionDataType, item.RegionFlags = 1, 1, 0
    item.RegionLocationMinX0, item.RegionLocationMinY0 = x0, y0
    item.RegionLocationMaxX1, item.RegionLocationMaxY1 = x1, y1
    item.PhysicalUnitsXDirection = item.PhysicalUnitsYDirection = 3
    item.PhysicalDeltaX, item.PhysicalDeltaY = 0.02, 0.01
    _set(item, elements)
    return item


def _dataset(pixels: Pixels, syntax: str, loop: bool, elements: dict[str, Any]) -> FileDataset:
    frame = pixels[0] if loop else pixels
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = elements.get("SOPClassUID", ULTRASOUND)
    meta.MediaStorageSOPInstanceUID = "1.2.826.0.1.3680043.8.498.1"
    meta.TransferSyntaxUID = uid.UID(syntax)
    dataset = FileDataset(None, {}, file_meta=meta, preamble=bytes(128))
    signed = frame.dtype.kind == "i"
    _set(
        dataset,
        {
            "SOPClassUID": meta.MediaStorageSOPClassUID,
            "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
            "StudyInstanceUID": "1.2.826.0.1.3680043.8.498.2",
            "Modality": "US",
            "AccessionNumber": "ACC-1",
            "StudyDate": "20260131",
            **PATIENT,
            "Rows": frame.shape[0],
            "Columns": frame.shape[1],
            "SamplesPerPixel": 3 if frame.ndim == 3 else 1,
            "PhotometricInterpretation": _colours(syntax) if frame.ndim == 3 else "MONOCHROME2",
            "PlanarConfiguration": 0 if frame.ndim == 3 else None,
            "BitsAllocated": frame.dtype.itemsize * 8,
            "BitsStored": frame.dtype.itemsize * 8,
            "HighBit": frame.dtype.itemsize * 8 - 1,
            "PixelRepresentation": int(signed),
        }
        | elements,
    )
    return dataset


def _colours(syntax: str) -> str:
    return "YBR_FULL" if syntax in (uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit) else "RGB"


def _set(dataset: Dataset, elements: dict[str, Any]) -> None:
    for keyword, value in elements.items():
        if value is not None:
            setattr(dataset, keyword, Sequence(value) if isinstance(value, list) and _items(value) else value)


def _items(value: list[Any]) -> bool:
    return bool(value) and all(isinstance(item, Dataset) for item in value)


def written(dataset: FileDataset, frames: list[Pixels]) -> bytes:
    """Encode `frames` as the transfer syntax of `dataset` says, and write the file."""
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax in _ENCODERS:
        dataset.PixelData = encapsulate([_ENCODERS[syntax](dataset, frame) for frame in frames])
    elif syntax in _PLUGIN:
        dataset.PixelData = encapsulate([_encoded_by_pydicom(dataset, frame) for frame in frames])
    else:
        order = ">" if syntax == uid.ExplicitVRBigEndian else "<"
        data = b"".join(frame.astype(frame.dtype.newbyteorder(order)).tobytes() for frame in frames)
        data += bytes(len(data) % 2)
        dataset.PixelData = encapsulate([data]) if syntax.is_encapsulated else data
    dataset["PixelData"].VR = "OW" if dataset.get("BitsAllocated", 8) > 8 else "OB"
    out = BytesIO()
    little = syntax != uid.ExplicitVRBigEndian
    dataset.set_original_encoding(syntax.is_implicit_VR, little)
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def _encoded_by_pydicom(dataset: FileDataset, frame: Pixels) -> bytes:
    syntax = dataset.file_meta.TransferSyntaxUID
    options = as_pixel_options(dataset, number_of_frames=1)
    if syntax == uid.JPEG2000:
        options["j2k_cr"] = [4]
    if syntax == uid.JPEGLSNearLossless:
        options["jls_error"] = 2
    return get_encoder(syntax).encode(frame, encoding_plugin=_PLUGIN[syntax], **options)


def _jpeg(dataset: FileDataset, frame: Pixels) -> bytes:
    sharing = "4:2:2" if dataset.PhotometricInterpretation == "YBR_FULL_422" else "4:4:4"
    data = picture(frame, "JPEG", quality=95, subsampling=sharing)
    return data + bytes(len(data) % 2)


def _jpeg_lossless(dataset: FileDataset, frame: Pixels) -> bytes:
    """JPEG Lossless, first-order prediction, by GDCM, which reads only files."""
    plain = deepcopy(dataset)
    plain.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    plain.NumberOfFrames = 1
    with NamedTemporaryFile(suffix=".dcm") as file:
        file.write(written(plain, [frame]))
        file.flush()
        reader = gdcm.ImageReader()
        reader.SetFileName(file.name)
        if not reader.Read():
            raise ValueError("GDCM didn't read the frame.")
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14_1))
    change.SetInput(reader.GetImage())
    if not change.Change():
        raise ValueError("GDCM didn't encode the frame.")
    fragments = change.GetOutput().GetDataElement().GetSequenceOfFragments()
    return fragments.GetFragment(0).GetByteValue().GetBuffer().encode("utf-8", "surrogateescape")


_ENCODERS = {
    uid.JPEGBaseline8Bit: _jpeg,
    uid.JPEGExtended12Bit: _jpeg,
    uid.JPEGLosslessSV1: _jpeg_lossless,
}


_PLUGIN = {
    uid.RLELossless: "pydicom",
    uid.JPEG2000Lossless: "pylibjpeg",
    uid.JPEG2000: "pylibjpeg",
    uid.JPEGLSLossless: "pyjpegls",
    uid.JPEGLSNearLossless: "pyjpegls",
}
SYNTAXES = (
    uid.ImplicitVRLittleEndian,
    uid.ExplicitVRLittleEndian,
    uid.ExplicitVRBigEndian,
    uid.DeflatedExplicitVRLittleEndian,
    *_PLUGIN,
    *_ENCODERS,
)
"""All transfer syntaxes that can be written here."""


def deflated_bomb(inflated: int) -> bytes:
    """A deflated DICOM file of some KiB whose dataset inflates to `inflated` zero bytes."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = ULTRASOUND, "1.2.3"
    meta.TransferSyntaxUID = uid.DeflatedExplicitVRLittleEndian
    out = BytesIO()
    out.write(bytes(128) + b"DICM")
    write_file_meta_info(out, meta, enforce_standard=True)
    deflater = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = bytes(2**20)
    for _ in range(inflated // len(block)):
        out.write(deflater.compress(block))
    out.write(deflater.flush())
    return out.getvalue()
