"""A triangle soup becomes surfaces: no double faces, one winding, two faces an edge, and the same picture."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def scripts(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "scripts"))
    monkeypatch.setattr(sys, "path", list(sys.path))


def surface_of(points, faces):
    from surface import make_surface

    return make_surface(np.array(points, dtype=np.float32), np.array(faces, dtype=np.int32))


def is_surface(made):
    from surface import edge_uses

    for uses in edge_uses(made.faces).values():
        assert len(uses) <= 2
        assert len({up for _, up in uses}) == len(uses)  # neighbors run against each other along their edge
    return True


SQUARE = [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)]


def test_a_surface_stays_as_it_is():
    made = surface_of(SQUARE, [[0, 1, 2], [0, 2, 3]])
    assert is_surface(made)
    assert len(made.points) == 4
    assert made.points[made.faces].tolist() == [[list(SQUARE[k]) for k in face] for face in ([0, 1, 2], [0, 2, 3])]
    assert made.origin.tolist() == [0, 1]


def test_a_face_that_runs_against_its_neighbors_is_turned():
    fan = [*SQUARE, (-1, 1, 0)]
    made = surface_of(fan, [[0, 1, 2], [0, 3, 2], [0, 3, 4]])
    assert is_surface(made)
    from surface import vertex_normals

    assert vertex_normals(made.points, made.faces)[:, 2] == pytest.approx(np.ones(len(made.points)))


def test_double_and_flat_faces_go_and_the_others_keep_their_rows():
    made = surface_of([*SQUARE, (0, 0, 0)], [[0, 1, 2], [2, 1, 4], [0, 4, 1], [0, 2, 3]])
    assert made.origin.tolist() == [0, 3]


def test_where_three_faces_meet_the_surface_is_cut():
    points = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (0, -1, 0)]
    made = surface_of(points, [[0, 1, 2], [0, 1, 3], [0, 1, 4]])
    assert is_surface(made)
    assert len(made.faces) == 3
    assert len(made.points) == 9


def test_sheets_of_one_plane_that_touch_in_a_point_are_drawn_apart_by_a_hair():
    points = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (-1, 0, 0), (0, -1, 0)]
    made = surface_of(points, [[0, 1, 2], [0, 3, 4]])
    assert len(np.unique(made.points, axis=0)) == 6
    moved = np.linalg.norm(made.points[made.faces] - np.array(points)[[[0, 1, 2], [0, 3, 4]]], axis=2)
    assert 0.0 < moved.max() < 2e-5


def test_a_band_with_a_twist_is_cut_somewhere():
    """It has one side only, so no winding fits all the way round."""
    count = 12
    turn = np.linspace(0.0, 2.0 * np.pi, count, endpoint=False)
    wide = [[np.cos(0.5 * t) * s * 0.3 for t in turn] for s in (-1, 1)]
    rim = [
        [((1 + w) * np.cos(t), (1 + w) * np.sin(t), s * 0.3 * np.sin(0.5 * t)) for t, w in zip(turn, row, strict=True)]
        for s, row in zip((-1, 1), wide, strict=True)
    ]
    points = [*rim[0], *rim[1]]
    faces = []
    for k in range(count):
        a, b = k, count + k
        c, d = (k + 1, count + k + 1) if k + 1 < count else (count, 0)
        faces += [[a, b, c], [b, d, c]]
    assert is_surface(surface_of(points, faces))
