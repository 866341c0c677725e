"""What a session changes of Kit's for its time, put back as it was when the stack unwinds."""

from __future__ import annotations

import contextlib
from typing import Any

import carb.settings


def borrow_setting(stack: contextlib.ExitStack, path: str, value: bool | float) -> None:
    """Set one of Kit's settings; at the end it holds what it held, or is gone again."""
    give_back_setting(stack, path)
    carb.settings.get_settings().set(path, value)


def give_back_setting(stack: contextlib.ExitStack, path: str) -> None:
    """Whatever becomes of a setting: at the end it holds what it holds now, or is gone again."""
    store: Any = carb.settings.get_settings()
    before = store.get(path)
    if before is None:
        stack.callback(store.destroy_item, path)
    else:
        stack.callback(store.set, path, before)


def rest_viewport(stack: contextlib.ExitStack) -> None:
    """Let Isaac's own viewport render nothing for a while: nobody sees it, and it costs as much as our picture."""
    try:
        from omni.kit.viewport.utility import get_active_viewport
    except ImportError:
        return
    viewport: Any = get_active_viewport()
    if viewport is None or not viewport.updates_enabled:
        return
    viewport.updates_enabled = False

    def wake() -> None:
        with contextlib.suppress(Exception):  # its window may be gone
            viewport.updates_enabled = True

    stack.callback(wake)
