"""Formats of image files: which are supported, by content, and the names of others."""

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
"""By Pillow's names. Pillow supports more, among them EPS, which it passes to Ghostscript for execution, and ICO, whose
images may be larger than the header states."""
HEAD = 512
"""Bytes at the start of a file that identify its format."""
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
"""First bytes of unsupported formats."""


class NotRead(ValueError):
    """An unsupported format: the message names it and says what to do."""


def install_decoder(source: str | Path | bytes) -> None:
    """Register a decoder for a format that Pillow did not recognise; raises `NotRead` for an unsupported one."""
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
    """The name of a format that Pillow does not know."""
    if head[128:132] == b"DICM":
        return "DICOM"
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"<?xml") and b"<svg" in head:
        return "SVG"
    return next((name for mark, name in _OTHERS if start.startswith(mark)), None)


def is_tga(source: str | Path | bytes, name: str) -> bool:
    """Whether a file is TGA, by its footer or its name: its first bytes do not identify it."""
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
    """Brands of an ISO base media file, such as HEIC and AVIF."""
    if head[4:8] != b"ftyp":
        return set()
    length = min(int.from_bytes(head[:4], "big"), len(head))
    return {head[8:12], *(head[at : at + 4] for at in range(16, length - 3, 4))}
