"""What a file may take of memory, and how a bigger one is let through."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from teletwin.bounded import (
    Allowance,
    NotYamlError,
    parse_json,
    read_bytes,
    read_bytes_max,
    read_json,
    read_yaml,
)
from teletwin.errors import ConfigError, TooLargeError

MIB = 2**20


def test_parts_are_refused_when_together_they_are_too_much():
    allowance = Allowance("a.mcap", byte_count=100)
    allowance.take(60)
    allowance.check(40)
    with pytest.raises(TooLargeError, match=r"a\.mcap"):
        allowance.take(41)


def test_a_person_may_raise_the_bound_and_the_refusal_says_how(monkeypatch, tmp_path):
    path = tmp_path / "values.json"
    path.write_text("[" + "1," * 5_000_000 + "1]")
    with pytest.raises(TooLargeError, match="TELETWIN_READ_MIB=512"):
        read_json(path)
    monkeypatch.setenv("TELETWIN_READ_MIB", "512")
    assert read_bytes_max() == 512 * MIB
    assert len(read_json(path)) == 5_000_001
    monkeypatch.setenv("TELETWIN_READ_MIB", "much")
    with pytest.raises(ConfigError, match="given: much"):
        read_bytes_max()


def test_a_device_without_a_length_is_read_to_the_bound_only():
    with pytest.raises(TooLargeError):
        read_bytes(Path("/dev/zero"), expansion=100.0)


def test_json_that_is_nested_too_deeply_is_no_json():
    with pytest.raises(ValueError, match="deeply"):
        parse_json(b"[" * 100_000)


def test_a_yaml_file_may_use_anchors_but_not_blow_them_up(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("base: &base {radius: 0.1}\nballs: [*base, {<<: *base, x: 1}]\n")
    assert read_yaml(path)["balls"] == [{"radius": 0.1}, {"radius": 0.1, "x": 1}]
    path.write_text("a: &a [*a]\n")
    with pytest.raises(NotYamlError, match="itself"):
        read_yaml(path)
    path.write_text("a: [\nb")
    with pytest.raises(NotYamlError) as caught:
        read_yaml(path)
    assert caught.value.line >= 2


_CAPPED = """
import numpy as np
from teletwin.bounded import memory_capped, read_bytes_max
from teletwin.errors import TooLargeError
try:
    with memory_capped("liar.h5"):
        np.ones(2 * read_bytes_max() // 8)
except TooLargeError as error:
    print(error)
with memory_capped("outer"), memory_capped("inner"):
    assert np.ones(1000).sum() == 1000
assert np.zeros(2 * read_bytes_max() // 8).shape == (2 * read_bytes_max() // 8,)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts memory so that it can be capped")
def test_a_library_gets_no_more_memory_than_a_file_may_take_and_afterwards_as_before():
    """In a process of its own: one that has grown large by other tests is no longer capped."""
    done = subprocess.run([sys.executable, "-c", _CAPPED], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "liar.h5" in done.stdout
