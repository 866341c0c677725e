"""teletwin: drive a distant UR3e through its digital twin, and the delay disappears."""

from __future__ import annotations

__version__ = "0.1.0"
