"""Pictures for those who keep a run's course as pictures: a confusion matrix, and single images with their answers.

Blue and orange are told apart with any colour vision.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageDraw, ImageFont

from framework.report.figures import share

if TYPE_CHECKING:
    from framework.hookspecs import Example

BLUE, ORANGE, INK, PALE, WHITE = (0, 90, 160), (213, 94, 0), (40, 40, 40), (120, 120, 120), (255, 255, 255)
TEXT = 13
"""Height of letters, in pixels, as all lengths here."""
TILE, MARGIN, COLUMNS = 112, 8, 8
MOST_NAMED_CLASSES = 40
"""Where there are more, names and numbers would be too small to read."""


def confusion_picture(confusion: Sequence[Sequence[int]], classes: Sequence[str]) -> Image.Image:
    """Rows are true classes, columns predictions; a cell is the darker, the greater its share of the row."""
    named = len(classes) <= MOST_NAMED_CLASSES
    cell = 46 if len(classes) <= 20 else 24 if named else max(3, 900 // len(classes))
    font = ImageFont.load_default(TEXT)
    left = int(max(font.getlength(name) for name in classes)) + 2 * MARGIN if named else MARGIN
    top = left + TEXT + MARGIN
    side = cell * len(classes)
    picture = Image.new("RGB", (left + side + MARGIN, top + side + MARGIN), WHITE)
    draw = ImageDraw.Draw(picture)
    draw.text((MARGIN, MARGIN), "% of a row: true class; columns: prediction", PALE, font)
    for row, counts in enumerate(confusion):
        images = max(sum(counts), 1)
        for column, count in enumerate(counts):
            x, y = left + column * cell, top + row * cell
            part = count / images
            gap = 1 if cell > 8 else 0
            draw.rectangle((x, y, x + cell - 1 - gap, y + cell - 1 - gap), _between(WHITE, BLUE, part, least=0.04))
            if cell >= 40 and count:
                colour = WHITE if part > 0.45 else INK
                draw.text((x + cell / 2, y + cell / 2), f"{100 * part:.0f}", colour, font, anchor="mm")
    if named:
        for index, name in enumerate(classes):
            middle = index * cell + cell / 2
            draw.text((left - MARGIN, top + middle), name, INK, font, anchor="rm")
            _upright(picture, name, (int(left + middle), top - MARGIN // 2), font)
    return picture


def examples_picture(examples: Sequence[Example]) -> Image.Image:
    """Each image with its prediction below: blue where it is right, orange with the true class where it is wrong."""
    columns = min(COLUMNS, max(len(examples), 1))
    rows = -(-max(len(examples), 1) // columns)
    width, height = TILE + 2 * MARGIN, TILE + 2 * TEXT + 3 * MARGIN
    picture = Image.new("RGB", (columns * width, rows * height), WHITE)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(TEXT)
    for index, example in enumerate(examples):
        x, y = index % columns * width + MARGIN, index // columns * height + MARGIN
        colour = BLUE if example.right else ORANGE
        draw.rectangle((x - 3, y - 3, x + TILE + 2, y + TILE + 2), colour)
        picture.paste(_tile(example.image), (x, y))
        says = f"{example.prediction} {share(example.probability)}"
        draw.text((x, y + TILE + 4), _fitting(says, font), colour, font)
        truth = "right" if example.right else f"is {example.label}"
        draw.text((x, y + TILE + 6 + TEXT), _fitting(truth, font), PALE, font)
    return picture


def _tile(image: Any) -> Image.Image:
    """Uint8 C×H×W as a square picture, small ones enlarged by whole pixels."""
    array = image.expand(3, -1, -1).permute(1, 2, 0).contiguous().numpy()
    small = max(array.shape[:2]) <= TILE // 2
    picture = Image.fromarray(array)
    picture.thumbnail((TILE, TILE)) if not small else None
    scale = TILE / max(picture.size)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    picture = picture.resize(size, Image.Resampling.NEAREST if small else Image.Resampling.BILINEAR)
    tile = Image.new("RGB", (TILE, TILE))
    tile.paste(picture, ((TILE - size[0]) // 2, (TILE - size[1]) // 2))
    return tile


def _fitting(text: str, font: Any) -> str:
    """The text, cut to the width of a tile."""
    if font.getlength(text) <= TILE:
        return text
    while text and font.getlength(text + "…") > TILE:
        text = text[:-1]
    return text + "…"


def _upright(picture: Image.Image, text: str, foot: tuple[int, int], font: Any) -> None:
    """Write from the bottom to the top, ending at `foot`, the middle of the text's lower edge."""
    strip = Image.new("RGB", (int(font.getlength(text)) + 2, TEXT + 5), WHITE)
    ImageDraw.Draw(strip).text((0, strip.height / 2), text, INK, font, anchor="lm")
    turned = strip.rotate(90, expand=True)
    picture.paste(turned, (foot[0] - turned.width // 2, foot[1] - turned.height))


def _between(start: tuple[int, ...], end: tuple[int, ...], part: float, least: float) -> tuple[int, ...]:
    part = least + (1 - least) * part
    return tuple(round(a + (b - a) * part) for a, b in zip(start, end, strict=True))
