"""YAML in bounded memory: aliases count as often as they stand, for a merge copies what they name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from teletwin.bounded.allowance import read_bytes_max, too_large
from teletwin.bounded.file import read_text

_EXPANSION = 800.0
"""PyYAML's nodes and marks take up to so many times the bytes of a dense text."""
_NODE_BYTES = 2000


class NotYamlError(ValueError):
    """A text that is no YAML tree, and the line where that shows."""

    def __init__(self, why: str, *, line: int) -> None:
        super().__init__(why)
        self.line = line


def read_yaml(path: Path) -> Any:
    """The tree of a YAML file, of plain values only.

    Raises:
        OSError: It cannot be read.
        UnicodeDecodeError: It is no text.
        NotYamlError: It is not YAML, or nested too deeply.
        TooLargeError: It would take more memory than a file may.
    """
    import yaml

    text = read_text(path, expansion=_EXPANSION)
    try:
        return _tree(yaml.SafeLoader(text), path)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        told = getattr(error, "problem", None) or " ".join(str(error).split())[:120]
        raise NotYamlError(told, line=mark.line + 1 if mark else 1) from error
    except RecursionError:
        raise NotYamlError("nested too deeply", line=1) from None
    except (ValueError, OverflowError) as error:  # a number or a date that cannot be
        raise error if isinstance(error, NotYamlError) else NotYamlError(str(error)[:120], line=1) from None


def _tree(loader: Any, path: Path) -> Any:
    """The values of a document whose nodes are few enough."""
    node = loader.get_single_node()
    if node is None:
        return None
    needed = _NODE_BYTES * _expanded(node, {}, set())
    if needed > read_bytes_max():
        raise too_large(path, needed=needed)
    return loader.construct_document(node)


def _expanded(node: Any, known: dict[int, int], within: set[int]) -> int:
    """How many nodes a node stands for, with every alias in full."""
    if id(node) in within:
        raise NotYamlError("a part contains itself", line=node.start_mark.line + 1)
    if id(node) not in known:
        within.add(id(node))
        parts = node.value if isinstance(node.value, list) else ()
        children = (child for part in parts for child in (part if isinstance(part, tuple) else (part,)))
        known[id(node)] = 1 + sum(_expanded(child, known, within) for child in children)
        within.discard(id(node))
    return known[id(node)]
