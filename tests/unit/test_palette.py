"""The colors are told apart by eyes of every common kind, and read on what they stand on."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
from numpy.typing import NDArray

from teletwin.palette import DARK, LIGHT, css, tint
from teletwin.view.server_app import PAGE

EYES = {
    "all three cones": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
"""Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB."""
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
PAIR_MIN, ANY_MIN = 40.0, 10.0
"""CIEDE2000; 2 is just seen, side by side. Teal and rose, the pair before, came to 3 under deuteranopia."""
MEANINGS = ("with", "without", "real", "fed")


def linear(color: str) -> NDArray[np.float64]:
    channels = np.array([int(color[start : start + 2], 16) for start in (1, 3, 5)]) / 255.0
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def lab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    share = XYZ @ np.clip(rgb, 0.0, 1.0) / np.array([0.95047, 1.0, 1.08883])
    x, y, z = np.where(share > 216 / 24389, np.cbrt(share), (24389 / 27 * share + 16) / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def distance(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """CIEDE2000 of two colors in CIELAB (Sharma, Wu and Dalal 2005)."""
    (l1, a1, b1), (l2, a2, b2) = one, other
    chroma = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    stretch = 1 + 0.5 * (1 - np.sqrt(chroma**7 / (chroma**7 + 25.0**7)))
    c1, c2 = np.hypot(a1 * stretch, b1), np.hypot(a2 * stretch, b2)
    h1, h2 = (np.degrees(np.arctan2(b, a * stretch)) % 360 for a, b in ((a1, b1), (a2, b2)))
    turn = (h2 - h1 + 180) % 360 - 180 if c1 * c2 else 0.0
    lightness, mean, hue = (l1 + l2) / 2, (c1 + c2) / 2, h1 + turn / 2 if c1 * c2 else h1 + h2
    cosines = [np.cos(np.radians(k * hue - phase)) for k, phase in ((1, 30), (2, 0), (3, -6), (4, 63))]
    t = 1 + np.dot([-0.17, 0.24, 0.32, -0.20], cosines)
    square = (lightness - 50) ** 2
    d_light = (l2 - l1) / (1 + 0.015 * square / np.sqrt(20 + square))
    d_chroma = (c2 - c1) / (1 + 0.045 * mean)
    d_hue = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn) / 2) / (1 + 0.015 * mean * t)
    bend = 60 * np.exp(-((((hue % 360) - 275) / 25) ** 2))
    rotation = -2 * np.sqrt(mean**7 / (mean**7 + 25.0**7)) * np.sin(np.radians(bend))
    return float(np.sqrt(d_light**2 + d_chroma**2 + d_hue**2 + rotation * d_chroma * d_hue))


def seen_apart(one: str, other: str, eyes: str) -> float:
    return distance(lab(EYES[eyes] @ linear(one)), lab(EYES[eyes] @ linear(other)))


def contrast(one: str, other: str) -> float:
    """Of WCAG 2."""
    darker, lighter = sorted(float(linear(color) @ [0.2126, 0.7152, 0.0722]) for color in (one, other))
    return (lighter + 0.05) / (darker + 0.05)


def test_the_distance_is_that_of_the_paper():
    assert distance(np.array([50.0, 2.6772, -79.7751]), np.array([50.0, 0.0, -82.7485])) == pytest.approx(
        2.0425, abs=1e-4
    )
    assert distance(np.array([50.0, 2.5, 0.0]), np.array([73.0, 25.0, -18.0])) == pytest.approx(27.1492, abs=1e-4)


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize("table", [DARK, LIGHT], ids=["dark", "light"])
def test_with_and_without_are_two_colors_to_all_eyes(table: dict[str, str], eyes: str):
    assert seen_apart(table["with"], table["without"], eyes) >= PAIR_MIN


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize("table", [DARK, LIGHT], ids=["dark", "light"])
def test_no_two_meanings_are_one_color(table: dict[str, str], eyes: str):
    for one, other in itertools.combinations([name for name in MEANINGS if name in table], 2):
        assert seen_apart(table[one], table[other], eyes) >= ANY_MIN, (one, other)


def test_words_can_be_read_on_every_surface():
    grounds = ("ground", "panel", "raised")
    surfaces = {*grounds, "edge", "grid"}
    for name, ground in itertools.product(DARK.keys() - surfaces, grounds):
        assert contrast(DARK[name], DARK[ground]) >= 4.5, (name, ground)


def test_lines_can_be_seen_on_white():
    for name in LIGHT:
        assert contrast(LIGHT[name], "#ffffff") >= 3.0, name


def test_styles_canvases_and_scenes_read_this_table():
    assert all(f"--{name}: {color};" in css() for name, color in DARK.items())
    assert np.sqrt(tint("with")) * 255 == pytest.approx([0x56, 0xB4, 0xF0])
    for name in ("charts.js", "plots.js", "handview.js", "allocation.js"):
        assert not re.search(r"#[0-9a-f]{6}\b", (PAGE / name).read_text()), name
    assert DARK["with"] in (PAGE / "favicon.svg").read_text()
