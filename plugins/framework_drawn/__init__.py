"""Drawn datasets that need no download: faces with one expression each, and shapes with several labels per image."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import Field

from framework import Dataset, ImageSource, hookimpl
from framework.components import Component


class DrawnFaces(Dataset):
    """Seven facial expressions, drawn procedurally at 48×48 in grayscale; a stand-in for FER-2013.

    Brows, eyes, mouth and head vary with pose, light, thickness, occlusion and noise; the same seed gives the same
    images.
    """

    name = "drawn_faces"
    train_images: int = Field(4000, ge=14)
    """Training images, including validation."""
    test_images: int = Field(1000, ge=7)
    """Images in the test split."""
    seed: int = Field(0, ge=0)
    """Seed of the drawn faces."""
    difficulty: float = Field(1.0, ge=0, le=2)
    """0: clean images of full expressions; 1: mixed; 2: difficult for humans too."""
    votes: int = Field(0, ge=0, le=1000)
    """Simulated annotators per image, for soft labels: each votes for the expression, a similar one, or any. 0: the
    expression itself is the label."""

    def build(self) -> Mapping[str, ImageSource]:
        """Splits `train` and `test`, uint8 1×48×48."""
        from framework import ImageArrays
        from framework_drawn._draw import CLASSES, draw_faces, simulate_votes

        splits = {}
        for split, number, seed in (
            ("train", self.train_images, 2 * self.seed),
            ("test", self.test_images, 2 * self.seed + 1),
        ):
            images, labels = draw_faces(number, seed, self.difficulty)
            given = simulate_votes(labels, self.votes, seed) if self.votes else labels
            splits[split] = ImageArrays(images, given, CLASSES, prefix=f"drawn/{split}")
        return splits


class DrawnShapes(Dataset):
    """Several shapes in an image, or none, drawn procedurally at 32×32 in RGB, for the task `multi_label`.

    The six labels are uneven and correlated: a triangle is mostly beside a square. The same seed gives the same images.
    """

    name = "drawn_shapes"
    train_images: int = Field(2000, ge=20)
    """Training images, including validation."""
    test_images: int = Field(500, ge=10)
    """Images in the test split."""
    seed: int = Field(0, ge=0)
    """Seed of the drawn shapes."""
    difficulty: float = Field(1.0, ge=0, le=2)
    """Noise and contrast: 0 is clean."""

    def build(self) -> Mapping[str, ImageSource]:
        """Splits `train` and `test`, uint8 3×32×32, with labels N×6 of 0 and 1."""
        from framework import ImageArrays
        from framework_drawn._shapes import CLASSES, draw_shapes

        splits = {}
        for split, number, seed in (
            ("train", self.train_images, 2 * self.seed),
            ("test", self.test_images, 2 * self.seed + 1),
        ):
            images, labels = draw_shapes(number, seed, self.difficulty)
            splits[split] = ImageArrays(images, labels, CLASSES, prefix=f"drawn/{split}")
        return splits


@hookimpl
def components() -> Sequence[type[Component]]:
    """The components of this plugin."""
    return [DrawnFaces, DrawnShapes]


@hookimpl
def bundles() -> Mapping[str, Path]:
    """`drawn/faces`: trained with recipe `drawn_faces`, seed 0."""
    return {"faces": Path(__file__).parent / "faces.safetensors"}
