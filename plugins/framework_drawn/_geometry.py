"""Renders a batch of faces from named traits: signed distances on a 48×48 grid give anti-aliased coverage.

Head coordinates: origin between the eyes and the nose, x to the right, y down, chin at y = 1. u is |x|, so
one shape in (u, y) draws both eyes, both brows or both cheeks; side is -1 or 1, for asymmetric faces.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIZE = 48
EYE_X, EYE_Y, EYE_WIDTH = 0.36, -0.1, 0.215
BROW_X, BROW_Y, BROW_WIDTH = 0.38, -0.4, 0.25
NOSE_Y, MOUTH_Y = 0.24, 0.56

Plane = NDArray[np.floating[Any]]  # float32 throughout
Traits = Mapping[str, Plane]


@dataclass(frozen=True)
class Canvas:
    """Pixels of a batch of faces, B×48×48 or a selection of P pixels, and their head coordinates."""

    image: Plane  # tones in 0..1
    head_x: Plane  # without yaw and pitch
    head_y: Plane
    x: Plane
    y: Plane
    owner: NDArray[np.intp]  # index of each pixel's face
    traits: Traits  # B values each

    def __getitem__(self, trait: str) -> Plane:
        """A trait, in a shape that broadcasts against the pixels."""
        return self.traits[trait][self.owner]

    @property
    def u(self) -> Plane:
        return np.abs(self.x)

    @property
    def side(self) -> Plane:
        return np.sign(self.x)

    def coverage(self, distance: Plane, softness: float = 1.0) -> Plane:
        """Fraction of each pixel inside a shape whose edge is `softness` pixels wide."""
        cover = distance * (-SIZE / 2 / softness * self["scale"])
        cover += 0.5
        return np.clip(cover, 0, 1, out=cover)

    def paint(self, cover: Plane, tone: Plane | float) -> None:
        self.image[...] += cover * (tone - self.image)

    def shade(self, cover: Plane, strength: Plane | float) -> None:
        """Darken by up to `strength`, a fraction of the present tone."""
        self.image[...] *= 1 - cover * strength


def render(traits: Traits) -> Plane:
    """Faces with tones of about 0..1, B×48×48; every trait has B values."""
    canvas = place_head(traits)
    paint_backdrop(canvas)
    paint_within(canvas, canvas.head_y > 0.4, paint_body)
    paint_head(canvas)
    lower_face = (canvas.u < 0.62) & (np.abs(canvas.y - 0.62) < 0.5)
    paint_within(canvas, lower_face, paint_cheeks, paint_mouth)
    upper_face = (canvas.u < 0.68) & (np.abs(canvas.y + 0.22) < 0.54)
    paint_within(canvas, upper_face, paint_forehead, paint_nose, paint_eyes, paint_brows)
    paint_fringe(canvas)
    paint_within(canvas, (canvas["glasses"] > 0) & (canvas.u < 0.9), paint_glasses)
    paint_within(canvas, (canvas["bar"] > 0) & (canvas.u < 2), paint_bar)
    return canvas.image


def place_head(t: Traits) -> Canvas:
    """Apply the pose: shift, roll and scale move the head; yaw and pitch move the features over it, as on a sphere."""
    owner = np.arange(len(t["scale"]))[:, None, None]
    shift_x, shift_y, roll, scale, yaw, pitch = (
        t[name][owner] for name in ("shift_x", "shift_y", "roll", "scale", "yaw", "pitch")
    )
    line = (np.arange(SIZE, dtype=np.float32) - (SIZE - 1) / 2) / (SIZE / 2)
    right, down = line[None, None, :] - shift_x, line[None, :, None] - shift_y
    cos, sin = np.cos(roll) / scale, np.sin(roll) / scale
    head_x, head_y = cos * right + sin * down, cos * down - sin * right
    x = head_x - yaw * (1 - np.minimum(head_x**2, 1))
    y = head_y - pitch * (1 - np.minimum(head_y**2, 1))
    return Canvas(np.zeros_like(x), head_x, head_y, x, y, owner, t)


def paint_within(canvas: Canvas, area: NDArray[np.bool_], *painters: Callable[[Canvas], None]) -> None:
    """Paint only the pixels of an area: details are slow to compute and cover few pixels."""
    indices = np.flatnonzero(area)
    image, head_x, head_y, x, y = (
        plane.reshape(-1)[indices] for plane in (canvas.image, canvas.head_x, canvas.head_y, canvas.x, canvas.y)
    )
    selected = Canvas(image, head_x, head_y, x, y, indices // SIZE**2, canvas.traits)
    for painter in painters:
        painter(selected)
    canvas.image.reshape(-1)[indices] = image


def ellipse(x: Plane, y: Plane, width: Plane | float, height: Plane | float) -> Plane:
    """Approximate signed distance to an ellipse around the origin, accurate near its edge."""
    radius = np.sqrt((x * (1 / width)) ** 2 + (y * (1 / height)) ** 2)
    return (radius - 1) * (2 * width * height / (width + height))


def segment(x: Plane, y: Plane, start: tuple[float, float], end: tuple[float, float]) -> Plane:
    """Distance to the line segment between two points."""
    along_x, along_y = end[0] - start[0], end[1] - start[1]
    x, y = x - start[0], y - start[1]
    position = np.clip((x * along_x + y * along_y) * (1 / (along_x**2 + along_y**2)), 0, 1)
    return np.sqrt((x - position * along_x) ** 2 + (y - position * along_y) ** 2)


def paint_backdrop(c: Canvas) -> None:
    c.image[...] = c["backdrop"] + c["backdrop_x"] * c.head_x + c["backdrop_y"] * c.head_y
    hair_height = np.where(c.head_y < 0, np.float32(1.06), np.maximum(c["hair_length"], 0.1))
    hair = ellipse(c.head_x, c.head_y + 0.06, c["head_width"] + 0.11, hair_height)
    c.paint(c.coverage(hair), c["hair"])


def paint_body(c: Canvas) -> None:
    neck = np.maximum(np.abs(c.head_x) - 0.4, 0.5 - c.head_y)
    c.paint(c.coverage(neck), c["skin"] * 0.72)
    shoulders = ellipse(c.head_x, c.head_y - 1.75, 1.3, 0.62)
    c.paint(c.coverage(shoulders), c["clothes"])


def paint_head(c: Canvas) -> None:
    ears = ellipse(c.u - c["head_width"], c.y - 0.02, 0.1, 0.19)
    c.paint(c.coverage(ears), c["skin"] * 0.85)
    chin = np.maximum(c.head_y, 0)
    jaw_width = c["head_width"] * (1 - c["jaw_taper"] * chin * chin)
    rim = np.sqrt((c.head_x / jaw_width) ** 2 + c.head_y**2)
    light = 1.08 + c["light_x"] * c.head_x + c["light_y"] * c.head_y - 0.2 * rim * rim
    c.paint(c.coverage((rim - 1) * 0.8), c["skin"] * light)


def paint_forehead(c: Canvas) -> None:
    """Lines of raised brows, a frown and a wrinkled nose."""
    raised = np.maximum(c["inner_brow"] + 0.5 * c["outer_brow"], 0)
    lines = np.abs(np.abs(c.y + 0.66 - 0.1 * c.x * c.x) - 0.055)
    c.shade(c.coverage(np.maximum(lines, c.u - 0.38) - 0.012), 0.25 * raised)
    frown = segment(c.u, c.y, (0.07, -0.44), (0.06, -0.24))
    c.shade(c.coverage(frown - 0.015), 0.5 * np.maximum(c["knit"], 0))
    bridge = segment(c.u, np.abs(c.y + 0.03) - 0.05, (0.02, 0.0), (0.14, -0.035))
    c.shade(c.coverage(bridge - 0.014), 0.55 * np.maximum(c["nose_wrinkle"], 0))


def paint_nose(c: Canvas) -> None:
    lifted = np.maximum(c["nose_wrinkle"], 0)
    base, wing = NOSE_Y - 0.07 * lifted, c["nose_width"] * (1 + 0.25 * lifted)
    unlit = -np.sign(c["light_x"])
    ridge = segment(c.x * unlit, c.y, (0.05, -0.12), (0.1, 0.14))
    c.shade(c.coverage(ridge - 0.03, softness=2), 0.16)
    c.shade(c.coverage(ellipse(c.u - wing * 0.6, c.y - base, wing * 0.45, 0.035)), 0.62)
    c.shade(c.coverage(ellipse(c.u - wing * 1.15, c.y - base + 0.04, 0.025, 0.07)), 0.3)


def paint_cheeks(c: Canvas) -> None:
    """Folds between nose and mouth, deeper for a smile or a sneer."""
    fold = segment(c.u, c.y, (0.19, 0.2), (0.4, 0.47))
    depth = np.clip(np.maximum(c["nose_wrinkle"], c["cheek"]), 0, 1)
    c.shade(c.coverage(fold - 0.018, softness=1.5), 0.08 + 0.4 * depth)


def paint_mouth(c: Canvas) -> None:
    """Two lips with a gap, a line if closed, and possibly upper teeth."""
    opening, press, roundness = (np.maximum(c[name], 0) for name in ("jaw", "press", "round"))
    smile = np.maximum(c["corner"], 0)
    width = c["mouth_width"] * (1 + 0.22 * smile + 0.28 * c["stretch"] - 0.35 * roundness)
    along = c.x / width
    square = along * along
    lens = np.maximum(1 - square, 0)
    bulge = lens + roundness * (np.sqrt(lens) - lens)
    middle = MOUTH_Y - 0.05 * press + (0.02 + 0.08 * roundness) * opening + 0.06 * c["skew"] * along
    middle = middle - 0.17 * c["corner"] * (np.minimum(square, 1.3) - 0.4)
    sneer = 0.11 * c["lip_raise"] * bulge * np.clip(0.75 + 0.75 * c["sneer_side"] * along, 0, 1.5)
    upper = middle - (0.1 + 0.06 * roundness) * opening * bulge - sneer
    lower = middle + (0.34 - 0.06 * roundness) * opening * bulge - 0.25 * sneer
    gap = np.maximum(np.maximum(upper - c.y, c.y - lower), (np.abs(along) - 1) * width)
    lips = gap - c["lips"] * (1 - 0.65 * press) * (0.35 + lens)
    c.paint(c.coverage(lips), c["skin"] * c["lip_tone"])
    inside = c.coverage(gap - c["line"])
    c.paint(inside, 0.1)
    teeth = np.maximum(c.y - upper - 0.15, gap + 0.01)
    c.paint(inside * c.coverage(teeth), 0.1 + 0.82 * np.clip(4 * c["teeth"] - 1, 0, 1))
    dimple = ellipse(c.x, c.y - MOUTH_Y - 0.22 - 0.2 * opening, 0.16, 0.035)
    c.shade(c.coverage(dimple, softness=2), 0.15 + 0.15 * press)


def paint_eyes(c: Canvas) -> None:
    across = (c.u - EYE_X) / EYE_WIDTH
    arc = 1 - across * across
    lid, squint, cheek = c["lid"], c["squint"], c["cheek"]
    slant = (c["eye_slant"] + 0.045 * c["inner_brow"]) * across
    up = np.maximum(c["eye_open"] * (1 + 0.75 * lid - 0.45 * squint), 0.01)
    low = np.maximum(0.7 * c["eye_open"] * (1 + 0.3 * lid - 0.5 * squint - 0.9 * cheek), -0.02)
    upper, lower = EYE_Y + slant - up * arc, EYE_Y + slant + low * arc
    ball = c.coverage(np.maximum(upper - c.y, c.y - lower))
    c.paint(ball, 0.55 + 0.4 * c["skin"])
    iris = np.sqrt((c.u - EYE_X - c["gaze"] * c.side) ** 2 + (c.y - EYE_Y + 0.01) ** 2)
    c.paint(ball * c.coverage(iris - 0.1), c["iris"])
    c.paint(ball * c.coverage(iris - 0.05), 0.03)
    beyond = np.maximum(np.abs(across) - 1.05, 0) * EYE_WIDTH
    c.shade(c.coverage(np.abs(c.y - upper) + beyond - c["line"] * 1.3), 0.8)
    c.shade(c.coverage(np.abs(c.y - lower) + beyond - 0.012), 0.35)
    c.shade(c.coverage(np.abs(c.y - lower - 0.07) + 2 * beyond - 0.012), 0.3 * np.clip(squint + cheek, 0, 1))


def paint_brows(c: Canvas) -> None:
    knit = np.maximum(c["knit"], 0)
    across = (c.u - BROW_X + 0.06 * knit) / BROW_WIDTH
    inner, outer = c["inner_brow"] - 0.25 * knit, c["outer_brow"] + c["brow_skew"] * c.side
    lift = 0.075 * ((1 - across) * inner + (1 + across) * outer)
    curve = BROW_Y - lift - c["brow_arch"] * (1 - across * across)
    thick = c["brow_thick"] * (1 - 0.35 * across)
    stroke = np.maximum(np.abs(c.y - curve) - thick, (np.abs(across) - 1) * BROW_WIDTH)
    c.paint(c.coverage(stroke) * 0.9, c["hair"] * 0.7)


def paint_fringe(c: Canvas) -> None:
    hairline = c["hairline"] + c["temples"] * c.head_x**2 + c["parting"] * c.head_x
    crown = ellipse(c.head_x, c.head_y, c["head_width"] + 0.04, 1.04)
    tone = c["hair"] * (1.1 + 0.3 * c["light_x"] * c.head_x)
    c.paint(c.coverage(np.maximum(c.head_y - hairline, crown)), tone)


def paint_glasses(c: Canvas) -> None:
    lens = ellipse(c.u - EYE_X, c.y - EYE_Y - 0.03, 0.29, 0.25)
    c.shade(c.coverage(lens), c["tint"])
    straight = np.abs(c.y - EYE_Y)
    bridge, temple = np.maximum(straight, c.u - 0.08), np.maximum(straight, 0.64 - c.u)
    frame = np.minimum(np.minimum(np.abs(lens), bridge), np.maximum(temple, c.u - 0.82))
    c.paint(c.coverage(frame - 0.03), c["frame"])


def paint_bar(c: Canvas) -> None:
    """Occlusion by a hand or an object: a rounded bar at any angle."""
    cos, sin = np.cos(c["bar_angle"]), np.sin(c["bar_angle"])
    x, y = c.head_x - c["bar_x"], c.head_y - c["bar_y"]
    along, across = np.maximum(np.abs(cos * x + sin * y) - 0.6, 0), cos * y - sin * x
    c.paint(c.coverage(np.sqrt(along * along + across * across) - c["bar_width"]), c["bar_tone"])
