"""What an image source must hold to, checked where it enters: a plugin's mistake is named, not trained on."""

from __future__ import annotations

import operator
import reprlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from framework.data.decode import BadImage
from framework.data.sources import Selection, read_reduced
from framework.data.unicode_names import nfc
from framework.errors import UserError, enumerate_names

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from framework.components import ImageSource

MEMBERS = ("classes", "labels", "names", "channels", "read", "__len__")


def checked(where: str, source: Any) -> ImageSource:
    """The same images with labels as plain integers and names as strings in NFC; `where` begins each message.

    Classes whose names differ in their Unicode form alone become one.

    Raises `UserError` where a member is missing, lengths differ, or labels and classes do not belong together.
    """
    missing = [name for name in MEMBERS if not hasattr(source, name)]
    if missing:
        raise UserError(
            f"{where} lacks {', '.join(missing)}: an image source has classes, labels, names, channels, "
            "read(index) and a length"
        )
    classes = _checked_classes(where, source.classes)
    if source.channels not in (1, 3):
        raise UserError(f"{where} has channels {source.channels!r}; it must be 1 (grayscale) or 3 (RGB)")
    number = len(source)
    if number == 0:
        raise UserError(f"{where} has no images")
    if len(source.labels) != number or len(source.names) != number:
        raise UserError(f"{where} has {number} images, {len(source.labels)} labels and {len(source.names)} names")
    labels = _checked_labels(where, source.labels, classes)
    names = tuple(dict.fromkeys(map(nfc, classes)))
    if len(names) < len(classes):
        position = {name: label for label, name in enumerate(names)}
        labels = [position[nfc(classes[label])] for label in labels]
    return Selection(source, range(number), labels, names)


def read_image(source: ImageSource, index: int, name: str, least: int | None = None) -> NDArray[np.uint8]:
    """Image `index` as uint8 C×H×W; `name` is what messages call it.

    With `least`, a source that can may give a smaller image with as many pixels on each side.

    Raises `BadImage` as the source does, and `UserError` where it raises or returns what it must not.
    """
    try:
        image: Any = source.read(index) if least is None else read_reduced(source, index, least)
    except (BadImage, UserError):
        raise
    except Exception as error:
        raise UserError(
            f"image '{name}' could not be read: {type(error).__name__}: {error}\n"
            "    (for an image that is damaged, a source's read() raises BadImage)"
        ) from error
    if not isinstance(image, np.ndarray):
        given = type(image).__name__
    elif image.dtype != np.uint8 or image.ndim != 3 or image.shape[0] not in (1, 3) or image.size == 0:
        given = f"{image.dtype} {'×'.join(map(str, image.shape))}"
    else:
        return image
    raise UserError(f"image '{name}': read() must give a numpy array uint8 C×H×W with C 1 or 3; it gave {given}")


def _checked_classes(where: str, classes: Sequence[Any]) -> tuple[str, ...]:
    wrong = [name for name in classes if not isinstance(name, str)]
    if wrong:
        raise UserError(f"{where}: class names must be strings; there is {wrong[0]!r}")
    if len(set(classes)) != len(classes):
        raise UserError(f"{where} names a class twice: {enumerate_names(classes)}")
    return tuple(classes)


def _checked_labels(where: str, labels: Sequence[Any], classes: Sequence[str]) -> list[int]:
    plain = []
    for label in labels:
        try:
            plain.append(operator.index(label))
        except TypeError:
            given = f"there is {reprlib.repr(label)}"
            if hasattr(label, "__len__") and not isinstance(label, str):
                given += ": class probabilities (soft labels) are not supported, give the index of one class"
            raise UserError(f"{where}: labels must be whole numbers that index into classes; {given}") from None
    if min(plain) < 0 or max(plain) >= len(classes):
        raise UserError(
            f"{where} has labels from {min(plain)} to {max(plain)} for {len(classes)} classes (labels start at 0)"
        )
    return plain
