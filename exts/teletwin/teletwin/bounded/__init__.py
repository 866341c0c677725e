"""How much memory a file may take: every reader asks here before it takes any, whatever the file says of itself."""

from __future__ import annotations

from teletwin.bounded.allowance import Allowance, read_bytes_max
from teletwin.bounded.file import read_bytes, read_text
from teletwin.bounded.json_values import parse_json, read_json
from teletwin.bounded.memory import memory_capped
from teletwin.bounded.yaml_tree import NotYamlError, read_yaml

__all__ = [
    "Allowance",
    "NotYamlError",
    "memory_capped",
    "parse_json",
    "read_bytes",
    "read_bytes_max",
    "read_json",
    "read_text",
    "read_yaml",
]
