"""The bill of materials of a release: whole, valid, and asked for in one line where the tool is missing."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture
def sbom(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import sbom

    return sbom


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("cyclonedx_py") is None, reason="cyclonedx-bom (extra dev) is missing")
def test_a_bill_is_valid_and_lists_every_locked_package_with_its_hash(sbom, tmp_path):
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    paths = sbom.write_bills(tmp_path / "made")
    assert [path.name.split("-")[-1] for path in paths] == ["demo.cdx.json", "train.cdx.json", "test.cdx.json"]
    for path in paths:
        text = path.read_text()
        bill = json.loads(text)
        lock = SCRIPTS / f"requirements-{path.name.split('-')[-1].partition('.')[0]}.txt"
        pins = [line for line in lock.read_text().splitlines() if "==" in line]
        assert sorted(f"{each['name']}=={each['version']}" for each in bill["components"]) == sorted(pins)
        assert bill["metadata"]["component"]["name"] == "teletwin"
        assert bill["metadata"]["component"]["version"] == sbom.project_version()
        assert '"SHA-256"' in text
        assert str(SCRIPTS.parent) not in text
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(paths[0].read_text()) is None
    again = sbom._write_bill(sbom.LOCKS["demo"], tmp_path / "again.json", sbom.project_version())
    assert again.read_text() == paths[0].read_text()


def test_without_the_tool_one_line_names_the_mend(sbom, tmp_path, monkeypatch):
    monkeypatch.setattr(sbom.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(sys, "argv", ["sbom.py", "--out", str(tmp_path)])
    with pytest.raises(SystemExit, match=r"^sbom: cyclonedx-bom is not installed; run: pip install 'teletwin\[dev\]'$"):
        sbom.main()


def test_a_bill_that_lacks_a_locked_package_is_none(sbom, tmp_path, monkeypatch):
    monkeypatch.setattr(sbom, "_bill", lambda lock: {"metadata": {"component": {}}, "components": []})
    with pytest.raises(sbom.SbomError, match=r"requirements-demo.txt lacks aiohappyeyeballs=="):
        sbom.write_bills(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(sbom.SbomError, match="cannot be written"):
        sbom.write_bills(tmp_path / "file")
