"""omni.ui, the menu and the actions: widgets that remember what they show and whom they call."""

from __future__ import annotations

import enum
import types
import weakref
from collections.abc import Callable
from typing import Any

from fake.strict import Alive, Bus, Strict, Subscription, module


class DockPosition(enum.Enum):
    """omni.ui's."""

    SAME = 0
    LEFT = 1


class DockPreference(enum.Enum):
    """omni.ui's."""

    RIGHT_TOP = 0


class Type(enum.Enum):
    """omni.ui's, of plots."""

    LINE = 0


class Model(Strict):
    """A value model."""

    def __init__(self, ui: Ui, value: Any) -> None:
        self._ui, self._value = ui, value

    def get_value_as_string(self) -> str:
        return str(self._value)

    def get_value_as_int(self) -> int:
        return int(self._value)

    def get_value_as_float(self) -> float:
        return float(self._value)

    def get_value_as_bool(self) -> bool:
        return bool(self._value)

    def set_value(self, value: Any) -> None:
        self._value = value
        self._ui.bus.emit(("value", id(self)), self)

    def subscribe_value_changed_fn(self, fn: Callable[[Any], None]) -> Subscription:
        return self._ui.bus.listen(("value", id(self)), fn)

    def subscribe_end_edit_fn(self, fn: Callable[[Any], None]) -> Subscription:
        return self._ui.bus.listen(("edit", id(self)), fn)

    def type_in(self, value: Any) -> None:
        """A person edits the field (not part of Kit's own face)."""
        self.set_value(value)
        self._ui.bus.emit(("edit", id(self)), self)


class ListModel(Strict):
    """The model of a combo box."""

    def __init__(self, chosen: Model) -> None:
        self._chosen = chosen

    def get_item_value_model(self, item: Any = None, column_id: int = 0) -> Model:
        return self._chosen


class Widget(Strict):
    """Anything that can stand in a window; containers are entered."""

    allowed = frozenset({"width", "height", "style", "tooltip", "visible", "enabled", "name"})

    def __init__(self, ui: Ui, **options: Any) -> None:
        unknown = set(options) - self.allowed
        if unknown:
            raise TypeError(f"{type(self).__name__} takes no {sorted(unknown)}")
        if not ui.windows_open:
            raise RuntimeError("a widget outside of a window")
        ui.widgets.append(self)

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *exc: object) -> None:
        return None


class Label(Widget):
    """omni.ui.Label."""

    allowed = Widget.allowed | {"word_wrap", "alignment"}

    def __init__(self, ui: Ui, text: str, **options: Any) -> None:
        super().__init__(ui, **options)
        self.text = text


class Button(Widget):
    """omni.ui.Button."""

    allowed = Widget.allowed | {"clicked_fn"}

    def __init__(self, ui: Ui, text: str = "", **options: Any) -> None:
        super().__init__(ui, **options)
        self.text, self.clicked_fn = text, options.get("clicked_fn")

    def press(self) -> None:
        """A person presses it (not part of Kit's own face)."""
        self.clicked_fn()


class Stack(Widget):
    """omni.ui.HStack and VStack."""

    allowed = Widget.allowed | {"spacing"}


class ScrollingFrame(Widget):
    """omni.ui.ScrollingFrame."""


class CollapsableFrame(Widget):
    """omni.ui.CollapsableFrame."""

    allowed = Widget.allowed | {"collapsed"}

    def __init__(self, ui: Ui, title: str = "", **options: Any) -> None:
        super().__init__(ui, **options)
        self.title, self.visible = title, options.get("visible", True)


class Field(Widget):
    """omni.ui.IntField, FloatField, CheckBox."""

    def __init__(self, ui: Ui, **options: Any) -> None:
        super().__init__(ui, **options)
        self.model = Model(ui, "")


class StringField(Field):
    """omni.ui.StringField."""

    allowed = Field.allowed | {"multiline", "read_only"}


class ComboBox(Widget):
    """omni.ui.ComboBox."""

    def __init__(self, ui: Ui, index: int, *choices: str, **options: Any) -> None:
        super().__init__(ui, **options)
        self.choices = choices
        self.model = ListModel(Model(ui, index))


class Plot(Widget):
    """omni.ui.Plot."""

    def __init__(self, ui: Ui, type: Type, scale_min: float, scale_max: float, *values: float, **options: Any) -> None:
        super().__init__(ui, **options)
        assert isinstance(type, Type)
        self.scale_min, self.scale_max, self.values = scale_min, scale_max, values

    def set_data(self, *values: float) -> None:
        assert all(isinstance(value, float) for value in values)
        self.values = values


class Window(Strict):
    """omni.ui.Window."""

    def __init__(
        self,
        ui: Ui,
        title: str,
        dockPreference: DockPreference | None = None,
        *,
        width: float = 0,
        height: float = 0,
        visible: bool = True,
    ) -> None:
        self._ui, self.title, self.visible = ui, title, visible
        self.docked = False
        ui.windows_open += 1
        ui.windows[title] = self
        ui.alive.open(title, "window")
        self.frame = Widget(ui)

    def dock_in(self, window: Any, position: DockPosition, ratio: float = 0.5) -> None:
        assert isinstance(position, DockPosition)
        self.docked = True

    def destroy(self) -> None:
        self._ui.windows_open -= 1
        del self._ui.windows[self.title]
        self._ui.alive.shut(self.title)


class MenuItemDescription(Strict):
    """omni.kit.menu.utils'."""

    def __init__(
        self,
        name: str = "",
        *,
        ticked: bool = False,
        ticked_fn: Callable[[], bool] | None = None,
        onclick_action: tuple[str, str] | None = None,
        enable_fn: Callable[[], bool] | None = None,
        appear_after: str | None = None,
        glyph: str | None = None,
    ) -> None:
        self.name, self.ticked_fn, self.onclick_action = name, ticked_fn, onclick_action


class Ui:
    """The state behind the modules."""

    def __init__(self, alive: Alive, bus: Bus) -> None:
        self.alive, self.bus = alive, bus
        self.windows_open = 0
        self.windows: dict[str, Any] = {"Property": types.SimpleNamespace(title="Property")}
        self.widgets: list[Any] = []
        self.show: dict[str, Callable[[bool], None]] = {}
        self.menus: dict[str, list[MenuItemDescription]] = {}
        self.actions: dict[tuple[str, str], Callable[[], Any]] = {}

    def find(self, kind: str, text: str) -> Any:
        """The newest widget of a kind with this text or title."""
        return next(w for w in reversed(self.widgets) if type(w).__name__ == kind and text in _text(w))

    def field(self, label: str, *, editable: bool = True) -> Any:
        """The field (or the text) behind a label."""
        pairs = zip(self.widgets, self.widgets[1:], strict=False)
        behind = [b for a, b in pairs if isinstance(a, Label) and a.text == label and hasattr(b, "model") == editable]
        return behind[-1]

    def click(self, menu: str, name: str) -> None:
        """Choose a menu entry."""
        item = next(item for item in self.menus[menu] if item.name == name)
        self.actions[item.onclick_action]()

    def modules(self) -> dict[str, types.ModuleType]:
        """The modules by name."""
        ui = self

        class Workspace:
            @staticmethod
            def get_window(title: str) -> Any:
                return ui.windows.get(title)

            @staticmethod
            def set_show_window_fn(title: str, fn: Callable[[bool], None] | None) -> None:
                if fn is None:
                    ui.alive.shut(f"show {title}")
                    del ui.show[title]
                else:
                    ui.alive.open(f"show {title}", "workspace function")
                    ui.show[title] = fn

        class Registry(Strict):
            def __init__(self) -> None:
                pass

            def register_action(
                self, extension_id: str, action_id: str, python_object: Any, display_name: str = "",
                description: str = "", icon_url: str = "", tag: str = "",
            ) -> None:  # fmt: skip
                ui.alive.open(f"{extension_id}.{action_id}", "action")
                ui.actions[(extension_id, action_id)] = python_object

            def deregister_action(self, extension_id: str, action_id: str) -> None:
                ui.alive.shut(f"{extension_id}.{action_id}")
                del ui.actions[(extension_id, action_id)]

        def add_menu_items(menu: list[Any], name: str, menu_index: int = 0) -> list[Any]:
            ui.menus.setdefault(name, []).extend(menu)
            for item in menu:
                ui.alive.open(f"{name} > {item.name}", "menu item")
            return menu

        def remove_menu_items(menu: list[Any], name: str) -> None:
            for item in menu:
                ui.menus[name].remove(item)
                ui.alive.shut(f"{name} > {item.name}")

        registry = Registry()
        made = {
            "Label": Label, "Button": Button, "HStack": Stack, "VStack": Stack, "ScrollingFrame": ScrollingFrame,
            "CollapsableFrame": CollapsableFrame, "StringField": StringField, "IntField": Field, "FloatField": Field,
            "CheckBox": Field, "ComboBox": ComboBox, "Plot": Plot, "Window": Window,
        }  # fmt: skip
        classes = {name: _on(ui, kind) for name, kind in made.items()}
        return {
            "omni.ui": module(
                "omni.ui",
                Workspace=Workspace,
                DockPosition=DockPosition,
                DockPreference=DockPreference,
                Type=Type,
                **classes,
            ),
            "omni.kit.menu": module("omni.kit.menu"),
            "omni.kit.menu.utils": module(
                "omni.kit.menu.utils",
                add_menu_items=add_menu_items,
                remove_menu_items=remove_menu_items,
                refresh_menu_items=lambda name: ui.menus[name],
                MenuItemDescription=MenuItemDescription,
            ),
            "omni.kit.actions": module("omni.kit.actions"),
            "omni.kit.actions.core": module("omni.kit.actions.core", get_action_registry=lambda: registry),
        }


def _text(widget: Any) -> str:
    return getattr(widget, "text", getattr(widget, "title", ""))


def _on(ui: Ui, kind: type) -> Callable[..., Any]:
    """The class with its first argument, the state, given; weakly, so that nothing lives on."""
    state = weakref.ref(ui)
    return lambda *args, **kwargs: kind(state(), *args, **kwargs)
