"""The extension's face: an entry in the Window menu and the window it shows. Imported only where there is a UI."""

from __future__ import annotations

import asyncio
from typing import Any

import omni.kit.actions.core
import omni.kit.app
import omni.kit.menu.utils
import omni.ui as ui
from omni.kit.menu.utils import MenuItemDescription

from teletwin.kit.panel import TITLE, Panel
from teletwin.kit.twin_app import TwinApp

MENU = "Window"
ACTION = "teletwin_window"


class Face:
    """Menu entry, action and window."""

    def __init__(self, ext_id: str, app: TwinApp) -> None:
        self._ext_id, self._app = ext_id, app
        self._panel: Panel | None = None
        registry = omni.kit.actions.core.get_action_registry()
        registry.register_action(ext_id, ACTION, self.toggle, description="Show or hide the teletwin window")
        self._items: list[Any] = [
            MenuItemDescription(name=TITLE, ticked=True, ticked_fn=self._is_visible, onclick_action=(ext_id, ACTION))
        ]
        omni.kit.menu.utils.add_menu_items(self._items, MENU)
        ui.Workspace.set_show_window_fn(TITLE, self.show)
        self._docking = asyncio.ensure_future(self._dock())
        self.show(True)

    def toggle(self) -> None:
        """Show the window, or hide it."""
        self.show(not self._is_visible())

    def show(self, visible: bool) -> None:
        """Show or hide; the window is built when it is first shown."""
        if visible and self._panel is None:
            self._panel = Panel(self._app)
        if self._panel is not None:
            self._panel.visible = visible
        omni.kit.menu.utils.refresh_menu_items(MENU)

    def close(self) -> None:
        """Take everything away again."""
        self._docking.cancel()
        ui.Workspace.set_show_window_fn(TITLE, None)
        omni.kit.menu.utils.remove_menu_items(self._items, MENU)
        self._items = []
        omni.kit.actions.core.get_action_registry().deregister_action(self._ext_id, ACTION)
        panel, self._panel = self._panel, None
        if panel is not None:
            panel.close()

    def _is_visible(self) -> bool:
        return self._panel is not None and self._panel.visible

    async def _dock(self) -> None:
        """Beside the property window, once Kit has laid out its windows."""
        await omni.kit.app.get_app().next_update_async()
        window, beside = ui.Workspace.get_window(TITLE), ui.Workspace.get_window("Property")
        if window is not None and beside is not None:
            window.dock_in(beside, ui.DockPosition.SAME)
