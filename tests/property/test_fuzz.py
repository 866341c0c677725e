"""Whatever comes over a socket or stands in a file: it is refused in one of our own words, and moves nothing."""

from __future__ import annotations

import contextlib
import io
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teletwin.bench.faults.fuzz import Mutator, fuzz_all, fuzz_one
from teletwin.bench.faults.fuzz.target import FuzzTarget
from teletwin.errors import MessageError, TeletwinError
from teletwin.mcap_records import RECORD_BYTES_MAX, take_records
from teletwin.session.role_cfg import from_json
from teletwin.view.server_messages import parse_message


def test_every_reader_stands_a_few_thousand_mutations():
    results = fuzz_all(6000, seed=11)
    assert len(results) >= 15
    assert {name: found["traces"] for name, found in results.items() if found["crashes"]} == {}
    assert sum(found["moved"] for found in results.values()) == 0
    assert max(found["grown_mb"] for found in results.values()) < 60.0
    for name in ("messages of the link", "session logs", "messages of the page", "settings of a role"):
        assert results[name]["accepted"] > 0, f"{name}: mutations that nothing can take in test little"
        assert results[name]["refused"] > 0, name


def test_a_reader_that_crashes_is_counted_with_its_place():
    def read(data: bytes) -> None:
        if data[:1] == b"a":
            raise KeyError("a")
        raise MessageError("refused")

    target = FuzzTarget(name="a", corpus=[b"abcdef"], read=read, refusals=(TeletwinError,))
    found = fuzz_one(target, 200)
    assert 100 < found["crashes"] < 200
    assert list(found["crash_kinds"]) == [f"KeyError in test_fuzz.py:{read.__code__.co_firstlineno + 2}"]
    assert "input: 61" in found["traces"][0]


def test_mutations_repeat_with_their_seed():
    def drawn(seed):
        mutator = Mutator([b"one", b"another"], seed=seed)
        return [mutator.draw() for _ in range(20)]

    assert drawn(3) == drawn(3) != drawn(4)


@pytest.mark.parametrize("compression", ["zstd", "lz4"])
def test_a_chunk_that_would_fill_the_memory_is_damage(compression):
    import lz4.frame
    import zstandard
    from mcap.records import Message
    from mcap.writer import CompressionType, Writer

    def bomb(claimed: int) -> bytes:
        stream = io.BytesIO()
        writer = Writer(stream, compression=CompressionType.NONE)
        writer.start()
        writer.finish()
        plain = bytes(2 * RECORD_BYTES_MAX)
        packed = zstandard.compress(plain) if compression == "zstd" else lz4.frame.compress(plain)
        name = compression.encode()
        body = struct.pack("<QQQII", 0, 0, claimed, 0, len(name)) + name + struct.pack("<Q", len(packed)) + packed
        whole = stream.getvalue()
        head = whole[: whole.index(b"\x0f", 8)]
        return head + b"\x06" + struct.pack("<Q", len(body)) + body + whole[len(head) :]

    taken: list[object] = []
    assert not take_records(io.BytesIO(bomb(2 * RECORD_BYTES_MAX)), taken.append)
    take_records(io.BytesIO(bomb(1000)), taken.append)
    assert not any(isinstance(each, Message) for each in taken)


@settings(max_examples=150, deadline=None)
@given(text=st.text(max_size=200))
def test_any_text_of_a_page_and_of_a_launcher_is_refused_in_our_words(text):
    for read in (parse_message, from_json):
        with contextlib.suppress(TeletwinError):
            read(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(["input", "ack", "mtp", "command", "settings", "ping"]),
    values=st.dictionaries(st.sampled_from(["name", "values", "hand", "seq", "t_ms", "samples", "frame_id"]), JSON),
)
def test_any_values_of_a_page_are_refused_or_finite(kind, values):
    import json

    with contextlib.suppress(TeletwinError):
        _, read = parse_message(json.dumps({"type": kind, **values}))
        assert np.isfinite(read.get("hand", 0.0)).all()


def test_guided_inputs_ask_for_atheris_where_it_is_missing(monkeypatch):
    import sys

    from teletwin.bench.faults.fuzz.guided import guide_all
    from teletwin.errors import MissingPartError

    monkeypatch.setitem(sys.modules, "atheris", None)
    with pytest.raises(MissingPartError, match=r"teletwin\[fuzz\]"):
        guide_all(10)
