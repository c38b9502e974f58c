"""Recall of near copies in `framework data check` by kind of change, and the number of false positives.

    python tests/benchmarks/near_copies.py fer2013_fast
    python tests/benchmarks/near_copies.py cifar10_resnet18 --images 5000

Evenly spaced images of `train` are copied with a change; the search runs over images and copies together. Pairs that
are not an image and its copy are counted as other pairs.
"""

from __future__ import annotations

import argparse
import io

import numpy as np
from PIL import Image, ImageEnhance

from framework.data.check.near import near_pairs
from framework.data.check.scan import THUMBNAIL
from framework.data.decode import decode
from framework.data.splits import build_splits
from framework.recipe import load_recipe
from framework.registry import Registry


def jpeg(image, quality):
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(io.BytesIO(file.getvalue()))


def cropped(image, pixels):
    width, height = image.size
    return image.crop((pixels, pixels, width, height)).resize(image.size, Image.Resampling.BICUBIC)


CHANGES = {
    "JPEG, quality 75": lambda image: jpeg(image, 75),
    "JPEG, quality 30": lambda image: jpeg(image, 30),
    "half as large": lambda image: image.resize((image.width // 2, image.height // 2), Image.Resampling.BICUBIC),
    "twice as large": lambda image: image.resize((image.width * 2, image.height * 2), Image.Resampling.BICUBIC),
    "brightness × 1.2": lambda image: ImageEnhance.Brightness(image).enhance(1.2),
    "contrast × 0.7": lambda image: ImageEnhance.Contrast(image).enhance(0.7),
    "gray": lambda image: image.convert("L"),
    "1 pixel cut off": lambda image: cropped(image, 1),
    "2 pixels cut off": lambda image: cropped(image, 2),
}


def thumbnail(image):
    file = io.BytesIO()
    image.save(file, "PNG")
    return THUMBNAIL(decode(file.getvalue()))[0].numpy()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe")
    parser.add_argument("overrides", nargs="*")
    parser.add_argument("--images", type=int, default=3000)
    arguments = parser.parse_intermixed_args()
    source = build_splits(load_recipe(arguments.recipe, Registry.load(), arguments.overrides).dataset)["train"]
    step = max(1, len(source) // arguments.images)
    arrays = [source.read(index) for index in range(0, len(source), step)][: arguments.images]
    images = [Image.fromarray(array[0] if len(array) == 1 else array.transpose(1, 2, 0)) for array in arrays]
    before = np.stack([thumbnail(image) for image in images])
    number = len(images)
    alone = {tuple(pair) for pair in near_pairs(before, np.arange(number)).tolist()}
    print(f"{number:,} images; pairs among them: {len(alone)}")
    for name, change in CHANGES.items():
        after = np.stack([thumbnail(change(image)) for image in images])
        pairs = near_pairs(np.concatenate([before, after]), np.arange(2 * number))
        found = (pairs[:, 1] - pairs[:, 0] == number).sum()
        known = {tuple(sorted((one % number, other % number))) for one, other in pairs.tolist()} - alone
        other = sum(one != two for one, two in known)
        print(f"{name:>18}: {100 * found / number:5.1f} % found, {other} other pairs")


if __name__ == "__main__":
    main()
