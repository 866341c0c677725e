"""Triangles as a page takes them over: one small binary, vertices and indices as its graphics library wants them.

Little-endian: "TTM1", u32 length of a JSON text, the text, padding to four bytes, the vertices (VERTEX_DTYPE), the
indices (u16). The text has the counts and, for each level of detail, for each mesh: frame, first index, index count.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from teletwin.errors import StreamError
from teletwin.view.solids import Solids

MAGIC = b"TTM1"
VERTEX_DTYPE = np.dtype([("position", "<f4", 3), ("normal", "i1", 4), ("colour", "u1", 4)])
"""20 bytes: metres; unit normal times 127 and a nought; linear RGB and the frame's number."""
VERTICES_MAX = 65_536


def pack_meshes(levels: Sequence[Solids]) -> bytes:
    """One binary of solids at several levels of detail, finest first; each has vertices of its own.

    Raises:
        StreamError: More vertices than an index can name.
    """
    vertices: list[NDArray[np.void]] = []
    indices: list[NDArray[np.uint16]] = []
    table: list[list[tuple[int, int, int]]] = []
    vertex_count = index_count = 0
    for solids in levels:
        own = _vertices(solids)
        rows = [(frame, index_count + first, count) for frame, (first, count) in _ranges(solids)]
        if vertex_count + len(own) > VERTICES_MAX:
            raise StreamError("too many vertices for one file of meshes", given=len(own), allowed=VERTICES_MAX)
        flat = solids.indices() + vertex_count if solids.meshes else np.zeros(0)
        vertices.append(own)
        indices.append(flat.astype("<u2"))
        table.append(rows)
        vertex_count, index_count = vertex_count + len(own), index_count + len(flat)
    text = json.dumps({"vertices": vertex_count, "indices": index_count, "levels": table}, separators=(",", ":"))
    head = text.encode().ljust(-(-len(text) // 4) * 4)
    parts = [
        MAGIC,
        struct.pack("<I", len(head)),
        head,
        *(v.tobytes() for v in vertices),
        *(i.tobytes() for i in indices),
    ]
    return b"".join(parts)


def _ranges(solids: Solids) -> list[tuple[int, tuple[int, int]]]:
    """Frame, first index and count of each mesh."""
    return list(zip(solids.frames, solids.ranges(), strict=True)) if solids.meshes else []


def _vertices(solids: Solids) -> NDArray[np.void]:
    """All vertices (VERTEX_DTYPE)."""
    if not solids.meshes:
        return np.zeros(0, dtype=VERTEX_DTYPE)
    full = solids.vertices()
    out = np.zeros(len(full), dtype=VERTEX_DTYPE)
    out["position"], out["colour"] = full["position"], full["colour"]
    out["normal"][:, :3] = np.round(127.0 * full["normal"])
    return out
