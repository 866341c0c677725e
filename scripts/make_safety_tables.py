"""Write the tables of docs/safety.md anew from the rules and silences in teletwin.safety."""

from __future__ import annotations

from pathlib import Path

from teletwin.safety.document import with_tables

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "safety.md"


def main() -> None:
    """Rewrite the document in place."""
    DOCUMENT.write_text(with_tables(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
