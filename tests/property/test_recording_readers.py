"""Whatever the bytes of a file, a reader gives a checked recording or refuses it in its own words."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from teletwin.errors import RecordingError
from teletwin.hand.readers import read_recording
from teletwin.hand.readers.ros_cdr import ROS_POSES, decode_ros_pose

NUMBERS = st.one_of(
    st.floats(width=32).map(repr),
    st.integers(-5, 5).map(str),
    st.sampled_from(["nan", "inf", "x", "", "#", ",", "1e400", "0x1"]),
)
LINES = st.lists(st.lists(NUMBERS, min_size=1, max_size=9), max_size=6)


def refused_or_sound(name: str, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        with contextlib.suppress(RecordingError), np.errstate(all="ignore"):
            recording = read_recording(path)
            assert np.isfinite(recording.poses).all()
            assert (np.diff(recording.t_ns) > 0).all()


@settings(max_examples=60, deadline=None)
@given(lines=LINES)
def test_any_lines_of_numbers_are_refused_or_sound(lines):
    text = "\n".join(" ".join(line) for line in lines)
    refused_or_sound("a.tum", text.encode())
    refused_or_sound("a.csv", b"t,x,y,z,qw,qx,qy,qz\n" + text.replace(" ", ",").encode())


@settings(max_examples=40, deadline=None)
@given(content=st.binary(max_size=200), magic=st.booleans())
def test_any_bytes_are_refused(content, magic):
    start = b"\x89MCAP0\r\n" if magic else b""
    for name in ("a.mcap", "a.tum", "a.txt", "a.csv"):
        refused_or_sound(name, start + content)


@settings(max_examples=100, deadline=None)
@given(body=st.binary(max_size=120), order=st.integers(0, 2), schema=st.sampled_from(sorted(ROS_POSES)))
def test_a_message_that_is_no_pose_raises_value_error_only(body, order, schema):
    with contextlib.suppress(ValueError):
        t_ns, pose = decode_ros_pose(schema, bytes([0, order, 0, 0]) + body)
        assert isinstance(t_ns, int)
        assert len(pose) == 7
