"""The camera's pixels: an RGB annotator on a render product of its own, the same at Isaac Sim 5.1 and 6.0."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from teletwin.errors import StreamError


class CameraSource:
    """Reads the newest rendered picture of one camera. A context manager: exit destroys the render product."""

    def __init__(self, camera_path: str, width: int, height: int) -> None:
        self._path, self._size = camera_path, (width, height)
        self._product: Any = None
        self._annotator: Any = None

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

    def read(self) -> NDArray[np.uint8] | None:
        """The newest picture (height, width, 3) RGB, a copy; None while the renderer warms up."""
        if self._annotator is None:
            return None
        data = self._annotator.get_data()
        if data is None:
            return None
        pixels = np.asarray(data.numpy() if hasattr(data, "numpy") else data)
        width, height = self._size
        if pixels.ndim != 3 or pixels.shape[:2] != (height, width) or pixels.shape[2] < 3:
            return None
        return np.ascontiguousarray(pixels[:, :, :3]).astype(np.uint8, copy=False)

    def _open(self) -> None:
        try:
            import omni.replicator.core as rep
        except ImportError:
            raise StreamError(
                "no pictures: omni.replicator.core is not enabled", mend="enable it in Window > Extensions"
            ) from None
        try:
            self._product = rep.create.render_product(self._path, self._size)
            self._annotator = rep.AnnotatorRegistry.get_annotator("rgb", device="cpu")
            self._annotator.attach([self._product])
        except Exception as error:
            self._close()
            raise StreamError(
                "no pictures: this machine cannot render", given=error, mend="Isaac Sim renders on an RTX GPU only"
            ) from error

    def _close(self) -> None:
        annotator, product = self._annotator, self._product
        self._annotator = self._product = None
        if annotator is not None:
            annotator.detach()
        if product is not None:
            product.destroy()
