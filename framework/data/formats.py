"""Formats of image files: which are read, by content, and what others are called."""

from __future__ import annotations

import importlib
from pathlib import Path

from PIL import features

READ = frozenset(
    {
        "JPEG", "MPO", "PNG", "BMP", "DIB", "GIF", "WEBP", "TIFF", "PPM", "JPEG2000",
        "AVIF", "HEIF", "TGA", "PCX", "DDS",
    }
)  # fmt: skip
"""By Pillow's names. Pillow knows more, among them EPS, which it hands to Ghostscript to be executed, and ICO, whose
pictures may be larger than its header says."""
HEAD = 512
"""Bytes from the beginning of a file that tell its format."""
TGA_FOOTER = b"TRUEVISION-XFILE.\0"
TGA_ENDINGS = (".tga", ".icb", ".vda", ".vst")

_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_OTHERS = (
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
    (b"%PDF", "PDF"),
    (b"<svg", "SVG"),
    (b"II\xbc\x01", "JPEG XR"),
    (b"v/1\x01", "OpenEXR"),
    (b"\x93NUMPY", "NumPy"),
    (b"\x89HDF", "HDF5"),
    (b"8BPS", "Photoshop"),
)
"""What the others begin with."""


class NotRead(ValueError):
    """A format that is not read: the message says which, and what to do."""


def install_decoder(source: str | Path | bytes) -> None:
    """Have Pillow know a format that it did not recognise; raises `NotRead` with the name of one that is not read."""
    head = head_of(source)
    brands = _brands(head)
    if brands & _AVIF_BRANDS:
        if not features.check("avif"):
            raise NotRead("AVIF files need Pillow with AVIF: pip install 'pillow>=11.3', or save it as PNG or JPEG")
    elif brands & _HEIC_BRANDS:
        try:
            heif = importlib.import_module("pillow_heif")
        except ImportError:
            raise NotRead(
                "HEIC files need the package pillow-heif: pip install 'framework[heif]', or save it as PNG or JPEG"
            ) from None
        heif.register_heif_opener()
    elif name := name_of(head):
        raise NotRead(f"{name} files are not read; save it as PNG or JPEG")


def name_of(head: bytes) -> str | None:
    """What a format that Pillow does not know is called."""
    if head[128:132] == b"DICM":
        return "DICOM"
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"<?xml") and b"<svg" in head:
        return "SVG"
    return next((name for mark, name in _OTHERS if start.startswith(mark)), None)


def is_tga(source: str | Path | bytes, name: str) -> bool:
    """Whether a file says that it is TGA, by its end or its name: nothing at its beginning does."""
    if name.lower().endswith(TGA_ENDINGS):
        return True
    if isinstance(source, bytes):
        return source.endswith(TGA_FOOTER)
    with Path(source).open("rb") as file:
        file.seek(-len(TGA_FOOTER), 2)
        return file.read() == TGA_FOOTER


def head_of(source: str | Path | bytes) -> bytes:
    """The first bytes of a file."""
    if isinstance(source, bytes):
        return source[:HEAD]
    with Path(source).open("rb") as file:
        return file.read(HEAD)


def _brands(head: bytes) -> set[bytes]:
    """Of an ISO base media file, such as HEIC and AVIF are."""
    if head[4:8] != b"ftyp":
        return set()
    length = min(int.from_bytes(head[:4], "big"), len(head))
    return {head[8:12], *(head[at : at + 4] for at in range(16, length - 3, 4))}
