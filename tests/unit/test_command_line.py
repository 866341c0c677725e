"""The command line beside other tools of the shell."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize("arguments", [["run", "--help"], ["doctor"]])
def test_a_reader_that_ends_early_is_no_error(arguments: list[str]) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    command = [sys.executable, "-c", "import sys; from teletwin.cli import main; sys.exit(main())", *arguments]
    ended = subprocess.run(command, stdout=write_end, stderr=subprocess.PIPE, text=True, timeout=120)
    os.close(write_end)
    assert ended.stderr == ""
    assert ended.returncode == 1
