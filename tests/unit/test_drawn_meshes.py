"""The file that pages draw the arm of is what the script makes of the renderer's meshes, and is served for good."""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path

import aiohttp  # noqa: TID253
import numpy as np
import pytest
from page_client import Listener

from teletwin.assets import asset_path
from teletwin.clock import SystemClock
from teletwin.errors import StreamError
from teletwin.view.drawn_meshes import VERTEX_DTYPE, VERTICES_MAX, pack_meshes
from teletwin.view.drawn_scene import drawn_scene
from teletwin.view.meshes import LINK_NAMES, Mesh, load_links
from teletwin.view.server import PageServer, PageServerCfg
from teletwin.view.solids import OBJECTS, SceneObject, Solids

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
FILE = asset_path("robots", "ur3e", "meshes", "drawn.bin")
BALL = SceneObject(kind="sphere", size=(0.04,), colour=(0.9, 0.05, 0.05))


def unpacked(data: bytes) -> tuple[dict, np.ndarray, np.ndarray]:
    """Header, vertices and indices."""
    (length,) = struct.unpack_from("<I", data, 4)
    head, start = json.loads(data[8 : 8 + length]), 8 + length
    vertices = np.frombuffer(data, VERTEX_DTYPE, head["vertices"], start)
    indices = np.frombuffer(data, "<u2", head["indices"], start + vertices.nbytes)
    assert start + vertices.nbytes + indices.nbytes == len(data)
    assert start % 4 == 0
    return head, vertices, indices


def test_the_file_is_what_the_script_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    try:
        from make_drawn_meshes import drawn_meshes

        assert drawn_meshes() == FILE.read_bytes()
    finally:
        for name in ("make_drawn_meshes", "make_meshes"):
            sys.modules.pop(name, None)


def test_each_level_has_all_links_and_at_most_8000_triangles_and_the_first_is_the_renderers() -> None:
    head, vertices, indices = unpacked(FILE.read_bytes())
    counts = []
    for level in head["levels"]:
        assert [frame for frame, _, _ in level] == [*range(7), 14]
        counts.append(sum(count for frame, _, count in level if frame < 7) // 3)
    assert 8000 >= counts[0] > 1.5 * counts[1] > 1.5 * counts[2]
    for link, (frame, first, count) in zip(load_links("low"), head["levels"][0], strict=False):
        if frame == LINK_NAMES.index("upper_arm"):  # the low one has a hole
            continue
        corners = vertices[indices[first : first + count]]
        np.testing.assert_array_equal(corners["position"], link.positions[link.triangles.reshape(-1)])
        assert set(corners["colour"][:, 3]) == {frame}
        np.testing.assert_allclose(
            corners["normal"][:, :3] / 127.0, link.normals[link.triangles.reshape(-1)], atol=0.005
        )


def test_coarser_levels_keep_the_shape() -> None:
    head, vertices, indices = unpacked(FILE.read_bytes())
    for link in range(7):
        boxes = []
        for level in head["levels"]:
            _, first, count = level[link]
            points = vertices["position"][indices[first : first + count]]
            boxes.append(np.stack([points.min(axis=0), points.max(axis=0)]))
        np.testing.assert_allclose(boxes[1], boxes[0], atol=0.006)
        np.testing.assert_allclose(boxes[2], boxes[0], atol=0.009)


def test_a_scene_without_objects_has_an_empty_file_of_them_and_others_their_frames() -> None:
    for objects, frames in (((), []), ((BALL, BALL), [OBJECTS, OBJECTS + 1])):
        scene = drawn_scene(objects)
        data = next(data for name, data in scene.files.items() if name.startswith("objects"))
        assert [frame for frame, _, _ in unpacked(data)[0]["levels"][0]] == frames


def test_more_vertices_than_an_index_names_are_refused() -> None:
    many = np.zeros((VERTICES_MAX + 1, 3), np.float32)
    mesh = Mesh(positions=many, normals=many, colours=many, triangles=np.zeros((1, 3), np.uint32))
    with pytest.raises(StreamError, match="too many vertices"):
        pack_meshes([Solids(meshes=(mesh,), frames=(0,))])


@pytest.mark.live
def test_files_are_served_for_good_and_nothing_else_is() -> None:
    import asyncio

    scene = drawn_scene(())
    server = PageServer(PageServerCfg(port=0), clock=SystemClock(), on_event=Listener(), files=scene.files)

    async def fetch(url: str) -> list[tuple[int, str, bytes]]:
        names = [*scene.values["meshes"], "drawn/other.bin", "drawn/..%2fmain.js", "glsl/solid.vert.glsl"]  # type: ignore[misc]
        async with aiohttp.ClientSession() as session:
            answers = [await session.get(url + name) for name in names]
            return [(one.status, one.headers["Cache-Control"], await one.read()) for one in answers]

    with server:
        *files, other, escaped, shader = asyncio.run(fetch(server.url))
    assert [data for _, _, data in files] == list(scene.files.values())
    assert all(status == 200 and "immutable" in cache for status, cache, _ in files)
    assert (other[0], escaped[0]) == (404, 404)
    assert (shader[0], shader[1]) == (200, "no-cache")
