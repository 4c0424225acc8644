"""Bytes of PNG, JPEG, TIFF, BMP, WebP and DICOM -> grey uint8 (H, W) and what is known of it.

The door: `sniff`, `inspect`, `decode`, `identity`, `ImagingLimits`. No state of the process is changed (no
`Image.MAX_IMAGE_PIXELS`, no warning filter), so that every function may run in any thread.
"""

from ml.imaging.dicom_identity import identity
from ml.imaging.limits import ImagingLimits
from ml.imaging.reading import decode, inspect
from ml.imaging.sniff import sniff

__all__ = ["ImagingLimits", "decode", "identity", "inspect", "sniff"]
