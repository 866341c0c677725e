"""omni.replicator.core, omni.syntheticdata, omni.graph.core, omni.kit.viewport.utility: frames and whose they are."""

from __future__ import annotations

import types
from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
from pxr import UsdGeom  # noqa: TID253

from fake.core import FRAME, UsdContext
from fake.simulation import Physics
from fake.strict import Alive, Bus, Strict, module

PIPELINE = "/Render/PostProcess/SDGPipeline"
VIEWPORT = "/Render/OmniverseKit/HydraTextures/omni_kit_widget_viewport_ViewportTexture_0"
_WARM_UP = 3
"""Frames of a render product before its annotators have data."""


@dataclass(frozen=True)
class Frame:
    """What the renderer has made of one render product in one update."""

    number: int
    product: str
    ordinal: int
    """The how manieth of its product."""
    simulation_s: float


class Event(Strict):
    """carb.eventdispatcher's event."""

    def __init__(self, name: str, **payload: Any) -> None:
        self.event_name, self._payload = name, payload

    def get(self, key_name: str) -> Any:
        return self._payload.get(key_name)

    def has_key(self, key_name: str) -> bool:
        return key_name in self._payload

    def __getitem__(self, key_name: str) -> Any:
        return self._payload[key_name]


class Viewport(Strict):
    """The active viewport's API."""

    def __init__(self) -> None:
        self.updates_enabled = True


class Replicator:
    """Renders every product once an update, tells of frames `late_updates` later; pictures count up."""

    def __init__(self, context: UsdContext, alive: Alive, bus: Bus, physics: Physics, *, has_gpu: bool) -> None:
        self.context, self.alive, self.bus, self.physics, self.has_gpu = context, alive, bus, physics, has_gpu
        self.viewport = Viewport()
        self.viewport_frames = 0
        self.late_updates = 0
        self.made = 0
        self._counts: dict[str, int] = {}
        self._attached: list[Any] = []
        self._told: dict[str, Frame] = {}
        self._rendered: deque[list[Frame]] = deque()

    def update(self) -> None:
        """Render, and tell of what was rendered so many updates ago: the viewport's frame before the others'."""
        products = [VIEWPORT] if self.viewport.updates_enabled else []
        self.viewport_frames += len(products)
        products += list(self._counts)
        self._rendered.append([self._frame(product) for product in products])
        while len(self._rendered) > self.late_updates:
            for frame in self._rendered.popleft():
                self._told[frame.product] = frame
                self.bus.emit(FRAME, Event(FRAME, product_path_handle=_handle(frame.product), results=frame))
        self.physics.frame_number += 1

    def _frame(self, product: str) -> Frame:
        if product in self._counts:
            self._counts[product] += 1
        count = self._counts.get(product, 0)
        return Frame(self.physics.frame_number, product, count, self.physics.simulation_s)

    def parse_rendered_simulation_event(self, product_path_handle: int, results: Frame) -> tuple[str, int, int]:
        """omni.syntheticdata's: whose frame it is, and its reference time."""
        assert product_path_handle == _handle(results.product)
        return results.product, results.number, 60

    def evaluate(self, graph: Any) -> None:
        """The pipeline runs: annotators now have the frame that was told of last."""
        if graph is not self._graph(PIPELINE):
            raise ValueError("evaluating every graph takes long")
        for annotator in self._attached:
            annotator._frame = self._told.get(annotator._product.path)

    def _graph(self, path: str) -> Any:
        if path != PIPELINE or not self._attached:
            raise ValueError(f"no graph at {path}")
        return PIPELINE

    def modules(self) -> dict[str, types.ModuleType]:
        """All of them by name."""
        replicator = self

        class Controller:
            @staticmethod
            def graph(graph_id: str) -> Any:
                return replicator._graph(graph_id)

            @staticmethod
            def evaluate_sync(graph_id: Any = None) -> None:
                replicator.evaluate(graph_id)

        class SyntheticData(Strict):
            def parse_rendered_simulation_event(self, product_path_handle: int, results: Any) -> tuple[str, int, int]:
                return replicator.parse_rendered_simulation_event(product_path_handle, results)

        return {
            "omni.replicator": module("omni.replicator"),
            "omni.replicator.core": self._core(),
            "omni.graph": module("omni.graph"),
            "omni.graph.core": module("omni.graph.core", Controller=Controller),
            "omni.syntheticdata": module("omni.syntheticdata"),
            "omni.syntheticdata._syntheticdata": module(
                "omni.syntheticdata._syntheticdata", acquire_syntheticdata_interface=SyntheticData
            ),
            "omni.kit.viewport": module("omni.kit.viewport"),
            "omni.kit.viewport.utility": module(
                "omni.kit.viewport.utility", get_active_viewport=lambda: replicator.viewport
            ),
        }

    def _core(self) -> types.ModuleType:
        replicator = self

        class RenderProduct(Strict):
            def __init__(self, size: tuple[int, int]) -> None:
                replicator.made += 1
                self.path, self.size = f"/Render/RenderProduct_{replicator.made}", size
                replicator.alive.open(self.path, "render product")
                replicator._counts[self.path] = 0

            def destroy(self) -> None:
                replicator.alive.shut(self.path)
                del replicator._counts[self.path]

        class Annotator(Strict):
            def __init__(self, name: str) -> None:
                self._name = name
                self._product: Any = None
                self._frame: Frame | None = None

            def attach(self, render_products: list[Any]) -> None:
                (self._product,) = render_products
                replicator._attached.append(self)
                replicator.alive.open(f"{self._name} of {self._product.path}", "annotator")

            def detach(self, render_products: Any = None) -> None:
                replicator._attached.remove(self)
                replicator.alive.shut(f"{self._name} of {self._product.path}")

            def get_data(self, device: str | None = None, do_array_copy: bool | None = None) -> Any:
                frame = self._frame
                if self._name == "ReferenceTime":
                    number, denominator = (frame.number, 60) if frame is not None else (0, 0)
                    return {"referenceTimeNumerator": number, "referenceTimeDenominator": denominator}
                if frame is None or frame.ordinal < _WARM_UP:
                    return np.zeros((0,), dtype=np.uint8)  # the renderer warms up
                return _picture(frame, self._product.size)

        class Create(Strict):
            def __init__(self) -> None:
                pass

            def render_product(self, camera: str, resolution: tuple[int, int], force_new: bool = False) -> Any:
                if not replicator.has_gpu:
                    raise RuntimeError("no RTX device")
                assert replicator.context.get_stage().GetPrimAtPath(camera).IsA(UsdGeom.Camera)
                return RenderProduct(resolution)

        class AnnotatorRegistry:
            @staticmethod
            def get_annotator(
                name: str, init_params: Any = None, device: str | None = None, do_array_copy: bool = True
            ) -> Annotator:
                if name not in ("rgb", "LdrColor", "ReferenceTime"):
                    raise ValueError(f"no annotator {name}")
                return Annotator(name)

        return module("omni.replicator.core", create=Create(), AnnotatorRegistry=AnnotatorRegistry)


def _handle(product: str) -> int:
    return hash(product)


def _picture(frame: Frame, size: tuple[int, int]) -> np.ndarray:
    """Red grows to the right, green counts frames."""
    width, height = size
    picture = np.zeros((height, width, 4), dtype=np.uint8)
    picture[..., 0] = np.arange(width, dtype=np.uint8)
    picture[..., 1] = frame.ordinal % 256
    picture[..., 3] = 255
    return picture
