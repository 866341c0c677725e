"""teletwin inside NVIDIA Kit: the extension, its window, and the twin in an Isaac Sim stage.

The only room that may import omni, carb, pxr and isaacsim. Outside Kit it can be imported, and is then empty.
"""

from __future__ import annotations

try:
    import omni.ext as _kit  # noqa: F401
except ImportError:
    __all__: list[str] = []
else:
    from teletwin.kit.extension import Extension

    __all__ = ["Extension"]
