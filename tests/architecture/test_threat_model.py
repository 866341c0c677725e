"""The threat model and the security policy name what is there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODEL = (ROOT / "docs/threat-model.md").read_text(encoding="utf-8")
POLICY = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", MODEL)))
LINK = re.compile(r"\]\((?!https?:)([^)\s]*?)(?:#([^)\s]+))?\)")
HEADINGS = (
    "Datagrams of the roles",
    "DDS between roles",
    "ROS 2",
    "The page",
    "The controller",
    "Standard input of roles",
    "Files",
    "Audit log",
    "What we install and ship",
)


def rows(text: str) -> Iterator[list[str]]:
    """Cells of every row of tables that name what shows it."""
    header: list[str] = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] if line.startswith("|") else []
        if not cells:
            header = []
        elif not header:
            header = cells
        elif "shown by" in header and not set(line) <= set("|-: "):
            assert len(cells) == len(header), line
            yield cells


def anchors(text: str) -> set[str]:
    """Where links into a page lead, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_every_named_test_exists(path: str, name: str) -> None:
    nodes = ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8")))
    functions = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert name in functions, f"{path} has no {name}: docs/threat-model.md names it"


def test_every_door_has_threats_and_each_row_a_test_or_says_that_none_shows_it() -> None:
    assert all(f"\n## {heading}\n" in MODEL for heading in HEADINGS)
    found = list(rows(MODEL))
    assert len(found) >= 60
    for cells in found:
        shown = cells[-2]
        assert "tests/" in shown or "**pending**" in shown, cells
        assert all(each.startswith("tests/") for each in re.findall(r"`([^`]*::[^`]*)`", shown)), shown
        assert set(next(cell for cell in cells if re.fullmatch(r"[STRIDE ]+", cell)).split()) <= set("STRIDE")


@pytest.mark.parametrize("page", [ROOT / "SECURITY.md", ROOT / "docs/threat-model.md"], ids=lambda path: path.name)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), target
        assert not anchor or anchor in anchors(path.read_text(encoding="utf-8")), f"{target}#{anchor}"


def test_the_security_policy_names_a_private_way_and_no_address_of_mail() -> None:
    assert "private vulnerability reporting" in POLICY
    assert "@" not in POLICY
