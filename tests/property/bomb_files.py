"""Files that are small on disk and ask for gigabytes of memory, one or more for each format that is read."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

Bomb = tuple[str, Callable[[Path], object]]
"""The reader's name, and what makes the file at a path."""
CHUNK = 30 * 2**20


def _text(content: str) -> Callable[[Path], object]:
    return lambda path: path.write_text(content, encoding="utf-8")


def _lines(line: str, count: int, *, first: str = "") -> Callable[[Path], object]:
    return lambda path: path.write_text(first + line * count, encoding="utf-8")


def _record(opcode: int, body: bytes) -> bytes:
    return struct.pack("<BQ", opcode, len(body)) + body


def _string(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode()


def _message(data: bytes, t_ns: int = 10) -> bytes:
    return _record(5, struct.pack("<HIQQ", 1, 1, t_ns, t_ns) + data)


def _chunk(records: bytes, *, packing: str = "zstd", claims: int | None = None) -> bytes:
    import lz4.frame
    import zstandard

    packed = zstandard.compress(records) if packing == "zstd" else lz4.frame.compress(records)
    size = len(records) if claims is None else claims
    head = struct.pack("<QQQI", 0, 0, size, 0) + _string(packing)
    return _record(6, head + struct.pack("<Q", len(packed)) + packed)


def mcap(
    chunks: Iterable[bytes],
    *,
    schema: str = "teletwin.PoseSample",
    topic: str = "/operator/PoseSample",
    encoding: str = "json",
) -> Callable[[Path], object]:
    """A session log whose channel 1 has that topic, and these chunks."""

    def make(path: Path) -> None:
        head = b"\x89MCAP0\r\n" + _record(1, _string("") + _string("x"))
        head += _record(3, struct.pack("<H", 1) + _string(schema) + _string("jsonschema") + struct.pack("<I", 0))
        head += _record(4, struct.pack("<HH", 1, 1) + _string(topic) + _string(encoding) + struct.pack("<I", 0))
        path.write_bytes(head + b"".join(chunks))

    return make


def _pose_json() -> bytes:
    return json.dumps({"t_ns": 10, "pose": [0.3, 0.1, 0.2, 1.0, 0.0, 0.0, 0.0], "input_seq": 0}).encode()


def _ros_pose() -> bytes:
    return struct.pack("<BBHiII", 0, 1, 0, 1, 5, 1) + b"b\0\0\0" + bytes(4) + struct.pack("<7d", *[0.0] * 6, 1.0)


def _repeated(record: bytes, size: int = CHUNK) -> bytes:
    return record * (size // len(record))


def _metadata(count: int) -> bytes:
    pairs = b"".join(_string(f"{k}") + _string("") for k in range(count))
    return _record(12, _string("m") + struct.pack("<I", len(pairs)) + pairs)


def _parquet(columns: Callable[[], object], times: int) -> Callable[[Path], object]:
    def make(path: Path) -> None:
        import pyarrow.parquet

        table = columns()
        with pyarrow.parquet.ParquetWriter(path, table.schema, compression="zstd") as writer:
            for _ in range(times):
                writer.write_table(table)

    return make


def _flat_table() -> object:
    import pyarrow

    names = ("timestamp", "x", "y", "z", "qw", "qx", "qy", "qz")
    return pyarrow.table({name: np.zeros(1_000_000) for name in names})


def _list_table() -> object:
    import pyarrow

    lists = pyarrow.ListArray.from_arrays(np.array([0, 10_000_000, 20_000_000], np.int32), np.zeros(20_000_000))
    return pyarrow.table({"timestamp": [0.0, 0.1], "action": lists})


def _hdf5_fill(path: Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        for name, width in (("opt_pos", 3), ("opt_quat", 4)):
            file.create_dataset(name, (10**9, width), dtype="f8", chunks=(10**5, width), fillvalue=1.0)


def _hdf5_chunk(path: Path) -> None:
    import h5py

    rows = 15_000_000
    packer = zlib.compressobj(1)
    packed = b"".join(packer.compress(bytes(8 * 3 * 1_000_000)) for _ in range(rows // 1_000_000)) + packer.flush()
    with h5py.File(path, "w") as file:
        position = file.create_dataset(
            "opt_pos", (10, 3), maxshape=(None, 3), dtype="f8", chunks=(rows, 3), compression="gzip"
        )
        position.id.write_direct_chunk((0, 0), packed)
        file["opt_quat"] = np.tile([1.0, 0.0, 0.0, 0.0], (10, 1))


def _hdf5_rate(path: Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        file["opt_pos"], file["opt_quat"] = np.zeros((10, 3)), np.tile([1.0, 0.0, 0.0, 0.0], (10, 1))
        file.create_dataset("sampling_rate", (10**9,), dtype="f8", chunks=(10**5,), fillvalue=100.0)


def _sparse(path: Path) -> None:
    """Few samples over three days."""
    with path.open("w") as stream:
        stream.writelines(f"{0.5 * k:.1f} 0 0 0 0 0 0 1\n" for k in range(500_000))


def _npz(*, shape: str, compressed_zeros: int = 0) -> Callable[[Path], object]:
    def make(path: Path) -> None:
        header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
        head = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("mean.npy", head + bytes(64))
            if compressed_zeros:
                packed.writestr("scale.npy", head + bytes(compressed_zeros))
            inner = io.BytesIO()
            with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("meta.npy", bytes(1_000_000))
            packed.writestr("inner.npz", inner.getvalue())

    return make


def _laughs(*, merge: bool) -> str:
    lines = ["a0: &a0 {k0: 1, k1: 2}" if merge else "a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    for k in range(1, 10):
        parts = ", ".join([f"*a{k - 1}"] * 9)
        lines.append(f"a{k}: &a{k} {{<<: [{parts}]}}" if merge else f"a{k}: &a{k} [{parts}]")
    return "\n".join(lines) + "\n"


def _scene(asset: str, world: str = "") -> Callable[[Path], object]:
    return _text(f"<mujoco>{asset}<worldbody>{world}</worldbody></mujoco>")


_ENTITIES = "".join(f'<!ENTITY e{k} "{f"&e{k - 1};" * 10}">' for k in range(1, 12))
_XML_LAUGHS = f'<!DOCTYPE robot [<!ENTITY e0 "ha">{_ENTITIES}]><robot name="&e11;"/>'
_BALLS = '<replicate count="3000"><replicate count="3000"><body><geom size="1"/></body></replicate></replicate>'
_TEXTURE = '<asset><texture name="t" type="2d" builtin="flat" width="60000" height="60000"/></asset>'
_FIELD = '<asset><hfield name="h" nrow="40000" ncol="40000" size="1 1 1 1"/></asset>'
_LINKS = "never_meet: {}\nlinks: &l\n" + _laughs(merge=True).replace("a", "  a", 1)
_FLEX = '<body name="b"><flexcomp name="f" type="grid" count="300 300 300" spacing=".1 .1 .1" dim="3"/></body>'
_DEEP = "[" * 200_000
BOMBS: dict[str, Bomb] = {
    "log of zeros.mcap": ("export", mcap(_chunk(_message(bytes(CHUNK))) for _ in range(160))),
    "log of poses.mcap": ("export", mcap([_chunk(_repeated(_message(_pose_json())))] * 20)),
    "log to merge.mcap": ("merged", mcap([_chunk(_message(b"{" + bytes(CHUNK)))] * 40)),
    "log in lz4.mcap": ("log", mcap([_chunk(_message(bytes(CHUNK)), packing="lz4")] * 40)),
    "log that lies.mcap": ("log", mcap([_chunk(bytes(200 * 2**20), claims=1000)])),
    "log of a great chunk.mcap": ("log", mcap([_chunk(bytes(200 * 2**20))])),
    "log of metadata.mcap": ("log", mcap([_chunk(_repeated(_metadata(100_000)))] * 20)),
    "log of great values.mcap": ("log", mcap([_chunk(_message(b'{"pose":[' + b"[]," * 9_000_000 + b"0]}"))])),
    "log of deep values.mcap": ("log", mcap([_chunk(_message(b'{"pose":' + _DEEP.encode()))])),
    "hand of zeros.mcap": (
        "recording",
        mcap([_chunk(_message(bytes(CHUNK)))] * 100, schema="foxglove.PoseInFrame", topic="/hand/pose"),
    ),
    "hand of poses.mcap": (
        "recording",
        mcap([_chunk(_repeated(_message(_ros_pose())))] * 5, schema="geometry_msgs/msg/PoseStamped", encoding="cdr"),
    ),
    "rows.parquet": ("recording", _parquet(_flat_table, 20)),
    "lists.parquet": ("recording", _parquet(_list_table, 5)),
    "fill value.hdf5": ("recording", _hdf5_fill),
    "great chunk.hdf5": ("recording", _hdf5_chunk),
    "rates.hdf5": ("recording", _hdf5_rate),
    "short lines.tum": ("recording", _lines("0 0 0 0 0 0 0 1\n", 1_000_000)),
    "sparse.tum": ("played hand", _sparse),
    "one line.tum": ("recording", _lines("0 ", 30_000_000)),
    "blank lines.tum": ("recording", _lines("\n", 8_000_000)),
    "wide header.csv": ("recording", _lines("0\n", 10_000_000, first="t,x,y,z,qw,qx,qy,qz" + ",a" * 5_000_000 + "\n")),
    "short lines.csv": ("recording", _lines("0,0,0,0,1,0,0,0\n", 1_000_000, first="t,x,y,z,qw,qx,qy,qz\n")),
    "a shape that lies.npz": ("horizon policy", _npz(shape="(1000000000000,)")),
    "packed zeros.npz": ("allocation policy", _npz(shape="(8,)", compressed_zeros=300 * 2**20)),
    "wide report.json": ("report", _lines("[],", 3_000_000, first='{"a":[')),
    "deep report.json": ("report", _text('{"a":' + _DEEP)),
    "wide leader.json": ("leader", _lines("[],", 3_000_000, first="[")),
    "deep leader.json": ("leader", _text(_DEEP)),
    "wide model.json": ("pooled model", _lines("[],", 3_000_000, first='{"fir":[')),
    "laughs.yaml": ("robot description", _text(_laughs(merge=False))),
    "merged laughs.yaml": ("robot description", _text(_laughs(merge=True))),
    "laughs of bodies.yaml": (
        "bodies",
        _text(_LINKS),
    ),
    "wide.yaml": ("robot description", _lines("x, ", 500_000, first="cspace: [")),
    "deep.yaml": ("rmpflow", _text(_DEEP)),
    "laughs of rmpflow.yaml": ("rmpflow", _text(_laughs(merge=False))),
    "wide.xrdf": ("robot description", _lines("- a\n", 500_000, first="format: xrdf\ntool_frames:\n")),
    "entities.urdf": ("urdf", _text(_XML_LAUGHS)),
    "wide.urdf": ("urdf", _lines("<a/>", 1_000_000, first="<robot>")),
    "deep.urdf": ("urdf", _lines("<a>", 1_000_000, first="<robot>")),
    "triangles.obj": ("mesh", _lines("v 0 0 0\n", 1_000_000)),
    "network.txt": ("network script", _lines("a\n", 4_000_000)),
    "texture.xml": ("obstacles", _scene(_TEXTURE)),
    "hfield.xml": ("obstacles", _scene(_FIELD, '<geom type="hfield" hfield="h"/>')),
    "arena.xml": ("obstacles", _scene('<size memory="60G"/>')),
    "replicate.xml": ("world", _scene("", _BALLS)),
    "grid.xml": ("world", _scene("", _FLEX)),
    "deep.xml": ("world", _scene("", "<body>" * 400_000)),
    "entities.xml": ("obstacles", _text(_XML_LAUGHS.replace("robot", "mujoco"))),
}


def make_all(folder: Path) -> dict[str, tuple[str, Path]]:
    """Every bomb in `folder`: the reader's name and the file, by the name of the bomb."""
    made = {}
    for name, (reader, make) in BOMBS.items():
        make(folder / name)
        made[name] = (reader, folder / name)
    return made
