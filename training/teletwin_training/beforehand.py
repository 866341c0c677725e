"""What is asked before a training computes or writes anything, so that a refusal costs no minutes and no facts."""

from __future__ import annotations

from pathlib import Path

from teletwin.errors import ConfigError
from teletwin_training.ppo.checkpoint import CHECKPOINT_NAME

CPU = "cpu"


def check_no_training(out: str | Path, *, mend: str) -> None:
    """Refuse a run's folder that holds a training already.

    Args:
        out: The folder of --out.
        mend: What to do instead.

    Raises:
        ConfigError: It holds one.
    """
    if (Path(out) / "ppo" / CHECKPOINT_NAME).exists():
        raise ConfigError("the folder of --out holds a training already", given=out, mend=mend)


def check_device(device: str) -> None:
    """Refuse a device that this machine does not have; warp and torch are both asked, as both compute on it.

    Raises:
        ConfigError: It is none of the machine's devices.
    """
    if device == CPU:
        return
    import torch

    from teletwin.warp_runtime import load_warp

    wp = load_warp()
    here = [each.alias for each in wp.get_devices() if each.alias == CPU or torch.cuda.is_available()]
    known = {*here, *(("cuda",) if len(here) > 1 else ())}
    if device not in known:
        raise ConfigError("--device is none of this machine's", given=device, allowed=", ".join(here))
