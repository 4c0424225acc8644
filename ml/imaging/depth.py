"""How many bits a sample has in the file, from its header alone."""

from __future__ import annotations

from io import BytesIO

from pydicom import dcmread

from ml.imaging import jpeg, tags
from ml.imaging.faults import named_errors
from ml.imaging.sniff import sniff

_PNG_PALETTE = 3


def bits(data: bytes) -> int:
    """Bits of a sample: 1 to 16, 32 or 64; 8 where a palette holds the colours, and for WebP.

    Of a file that `decode` reads.

    Raises:
        ImageError: the header isn't one of its format.
    """
    with named_errors("The header"):
        match sniff(data):
            case "png":
                return 8 if data[25] == _PNG_PALETTE else data[24]
            case "jpeg":
                return jpeg.header(data).precision
            case "tiff":
                return tags.directories(data, most=0)[0].first.get(tags.BITS, 1)
            case "dicom":
                header = dcmread(BytesIO(data), stop_before_pixels=True, specific_tags=["BitsStored"])
                return int(header.BitsStored)
        return 8
