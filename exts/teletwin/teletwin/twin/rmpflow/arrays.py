"""Arrays that numpy writes and kernels read: views on the CPU, copies on a GPU."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


class SharedArray:
    """A preallocated array known to numpy (`host`) and to warp (`device`); on the CPU both are one memory."""

    def __init__(self, values: NDArray[Any], *, warp_dtype: Any, device: str) -> None:
        from teletwin.warp_runtime import load_warp

        wp = load_warp()
        self.host: NDArray[Any] = np.ascontiguousarray(values)
        self._is_view = device == "cpu"
        self.device: Any = wp.array(self.host, dtype=warp_dtype, device=device, copy=not self._is_view)

    def write(self, values: ArrayLike) -> None:
        """Overwrite everything; values broadcast to the array's shape."""
        self.host[...] = values
        self.push()

    def push(self) -> None:
        """Make what was written to `host` known to the device."""
        if not self._is_view:
            self.device.assign(self.host)

    def pull(self) -> NDArray[Any]:
        """Bring what the device wrote to `host`; return `host`."""
        if not self._is_view:
            self.host[...] = self.device.numpy().reshape(self.host.shape)
        return self.host
