"""The camera's pixels and their time: annotators on a render product of its own, the same at every Isaac Sim."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teletwin.errors import StreamError
from teletwin.kit.frame_time import simulation_time_at_s

_PIPELINE = "/Render/PostProcess/SDGPipeline"
"""The graph that brings a frame from the renderer to the annotators."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """One picture of the camera."""

    pixels: NDArray[np.uint8]
    """(height, width, 3) RGB, a copy."""
    simulation_s: float
    """Simulated time that it shows, as the stage counts it [s]."""


class CameraSource:
    """Reads the newest rendered picture of one camera. A context manager: exit destroys the render product."""

    def __init__(self, camera_path: str, width: int, height: int) -> None:
        self._path, self._size = camera_path, (width, height)
        self._product: Any = None
        self._annotators: dict[str, Any] = {}

    def __enter__(self) -> CameraSource:
        self._open()
        return self

    def __exit__(self, *exc: object) -> None:
        self._close()

    def resize(self, width: int, height: int) -> None:
        """Render in another size from the next picture on."""
        if (width, height) != self._size:
            self._close()
            self._size = (width, height)
            self._open()

    def is_ours(self, event: Any) -> bool:
        """Whether a new frame is of this camera's render product; a viewport or another sensor makes frames too."""
        from omni.syntheticdata import _syntheticdata

        if self._product is None:
            return False
        parse = _syntheticdata.acquire_syntheticdata_interface().parse_rendered_simulation_event
        path, *_ = parse(event.get("product_path_handle"), event.get("results"))
        return str(path) == self._product.path

    def read(self) -> Rendered | None:
        """The frame that has just been told of; None while the renderer warms up."""
        if not self._annotators:
            return None
        self._evaluate()
        data = self._annotators["rgb"].get_data()
        if data is None:
            return None
        pixels = np.asarray(data.numpy() if hasattr(data, "numpy") else data)
        width, height = self._size
        if pixels.ndim != 3 or pixels.shape[:2] != (height, width) or pixels.shape[2] < 3:
            return None
        return Rendered(
            pixels=np.ascontiguousarray(pixels[:, :, :3]).astype(np.uint8, copy=False),
            simulation_s=simulation_time_at_s(self._annotators["ReferenceTime"].get_data()),
        )

    def _evaluate(self) -> None:
        """Bring the annotators to this very frame: the order in which others hear of it is not known."""
        import omni.graph.core as og

        og.Controller.evaluate_sync(graph_id=og.Controller.graph(_PIPELINE))

    def _open(self) -> None:
        try:
            import omni.replicator.core as rep
        except ImportError:
            raise StreamError(
                "no pictures: omni.replicator.core is not enabled", mend="enable it in Window > Extensions"
            ) from None
        try:
            self._product = rep.create.render_product(self._path, self._size)
            self._attach("rgb", rep.AnnotatorRegistry.get_annotator("rgb", device="cpu"))
            self._attach("ReferenceTime", rep.AnnotatorRegistry.get_annotator("ReferenceTime"))
        except Exception as error:
            self._close()
            raise StreamError(
                "no pictures: this machine cannot render", given=error, mend="Isaac Sim renders on an RTX GPU only"
            ) from error

    def _attach(self, name: str, annotator: Any) -> None:
        annotator.attach([self._product])
        self._annotators[name] = annotator

    def _close(self) -> None:
        annotators, product = self._annotators, self._product
        self._annotators, self._product = {}, None
        for annotator in annotators.values():
            annotator.detach()
        if product is not None:
            product.destroy()
