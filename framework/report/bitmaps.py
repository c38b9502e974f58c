"""Images for trackers: a confusion matrix, and examples with their predictions.

Blue and orange differ for all types of colour vision.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from framework.report.formatting import percent

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from framework.evaluation.confusion import Confusion
    from framework.hookspecs import Example

BLUE, ORANGE, BLACK, GREY, WHITE = (0, 90, 160), (213, 94, 0), (40, 40, 40), (120, 120, 120), (255, 255, 255)
TEXT = 13
"""Height of letters in pixels, as all lengths here."""
TILE, MARGIN, COLUMNS = 112, 8, 8
NUMBERS_FROM = 40
"""Size of cells that hold numbers."""
PALEST = 0.04
LARGEST_SIDE = 1000
"""Of the matrix."""
MOST_NAMED_CLASSES = 40
"""With more, names and numbers would be too small to read."""


def confusion_picture(confusion: Confusion) -> Image.Image:
    """Rows are true classes, columns predicted classes; darker cells are larger fractions of their row.

    With more than `LARGEST_SIDE` classes, neighbouring classes share a pixel.
    """
    classes = confusion.classes
    named = len(classes) <= MOST_NAMED_CLASSES
    rates = confusion.rates(LARGEST_SIDE)
    cell = 46 if len(classes) <= 20 else 24 if named else max(1, LARGEST_SIDE // len(rates))
    font = ImageFont.load_default(TEXT)
    left = int(max(font.getlength(name) for name in classes)) + 2 * MARGIN if named else MARGIN
    top = left + TEXT + MARGIN
    side = cell * len(rates)
    picture = Image.new("RGB", (left + side + MARGIN, top + side + MARGIN), WHITE)
    draw = ImageDraw.Draw(picture)
    draw.text((MARGIN, MARGIN), confusion.picture_title, GREY, font)
    cells = Image.fromarray(_shades(rates)).resize((side, side), Image.Resampling.NEAREST)
    picture.paste(cells, (left, top))
    if cell >= NUMBERS_FROM:
        for row, column in zip(*rates.nonzero(), strict=True):
            rate = rates[row, column]
            centre = left + (column + 0.5) * cell, top + (row + 0.5) * cell
            draw.text(centre, f"{100 * rate:.0f}", WHITE if rate > 0.45 else BLACK, font, anchor="mm")
    for index, name in enumerate(classes if named else ()):
        edge, middle = index * cell - 1, index * cell + cell / 2
        draw.line((left, top + edge, left + side, top + edge), WHITE)
        draw.line((left + edge, top, left + edge, top + side), WHITE)
        draw.text((left - MARGIN, top + middle), name, BLACK, font, anchor="rm")
        _vertical_text(picture, name, (int(left + middle), top - MARGIN // 2), font)
    return picture


def examples_picture(examples: Sequence[Example]) -> Image.Image:
    """Each image with its prediction below: blue if it is correct, orange with the true class if it is wrong."""
    columns = min(COLUMNS, max(len(examples), 1))
    rows = -(-max(len(examples), 1) // columns)
    width, height = TILE + 2 * MARGIN, TILE + 2 * TEXT + 3 * MARGIN
    picture = Image.new("RGB", (columns * width, rows * height), WHITE)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(TEXT)
    for index, example in enumerate(examples):
        x, y = index % columns * width + MARGIN, index // columns * height + MARGIN
        colour = BLUE if example.correct else ORANGE
        draw.rectangle((x - 3, y - 3, x + TILE + 2, y + TILE + 2), colour)
        picture.paste(_tile(example.image), (x, y))
        prediction = f"{example.prediction} {percent(example.probability)}"
        draw.text((x, y + TILE + 4), _shortened(prediction, font), colour, font)
        label = "correct" if example.correct else f"true: {example.label}"
        draw.text((x, y + TILE + 6 + TEXT), _shortened(label, font), GREY, font)
    return picture


def _tile(image: Any) -> Image.Image:
    """Uint8 C×H×W as a square; small images are enlarged by whole pixels."""
    array = image.expand(3, -1, -1).permute(1, 2, 0).contiguous().numpy()
    small = max(array.shape[:2]) <= TILE // 2
    picture = Image.fromarray(array)
    scale = TILE / max(picture.size)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    picture = picture.resize(size, Image.Resampling.NEAREST if small else Image.Resampling.BILINEAR)
    tile = Image.new("RGB", (TILE, TILE))
    tile.paste(picture, ((TILE - size[0]) // 2, (TILE - size[1]) // 2))
    return tile


def _shortened(text: str, font: Any) -> str:
    """The text, cut to the width of a tile."""
    if font.getlength(text) <= TILE:
        return text
    while text and font.getlength(text + "…") > TILE:
        text = text[:-1]
    return text + "…"


def _vertical_text(picture: Image.Image, text: str, bottom: tuple[int, int], font: Any) -> None:
    """Text from the bottom to the top; `bottom` is the middle of its lower edge."""
    strip = Image.new("RGB", (int(font.getlength(text)) + 2, TEXT + 5), WHITE)
    ImageDraw.Draw(strip).text((0, strip.height / 2), text, BLACK, font, anchor="lm")
    turned = strip.rotate(90, expand=True)
    picture.paste(turned, (bottom[0] - turned.width // 2, bottom[1] - turned.height))


def _shades(rates: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Fractions K×K as colours K×K×3 from almost white to blue."""
    shade = (PALEST + (1 - PALEST) * rates)[..., None]
    colours: NDArray[np.uint8] = (np.array(WHITE) + shade * (np.array(BLUE) - np.array(WHITE))).round().astype(np.uint8)
    return colours
