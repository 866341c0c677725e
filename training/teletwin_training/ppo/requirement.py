"""What must be installed before a training starts."""

from __future__ import annotations

import importlib.util

from teletwin.errors import MissingPartError

_PACKAGES = ("torch", "rl_games", "gymnasium", "tensorboardX")


def require_rl_games() -> None:
    """Say what is missing, before minutes are spent on preparing.

    Raises:
        MissingPartError: A package of the extra `[train]` is not installed.
    """
    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingPartError(
            f"training needs {', '.join(missing)}, not installed here", mend="pip install 'teletwin[train]'"
        )
