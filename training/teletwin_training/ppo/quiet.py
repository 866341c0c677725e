"""Training leaves the process as it was found: rl_games speaks by print and sets much of torch for everybody."""

from __future__ import annotations

import contextlib
import importlib
import random
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np


@contextlib.contextmanager
def prints_into(path: Path) -> Iterator[None]:
    """Let every `print` of rl_games' modules go to a file; other threads and the caller's own prints are untouched."""
    modules = [module for name, module in sys.modules.items() if name.partition(".")[0] == "rl_games"]
    with path.open("a", encoding="utf-8", buffering=1) as log:

        def print_to_log(*words: object, **_: Any) -> None:
            log.write(" ".join(map(str, words)) + "\n")

        for module in modules:
            module.__dict__["print"] = print_to_log  # found before the built-in one
        try:
            yield
        finally:
            for module in modules:
                module.__dict__.pop("print", None)


@contextlib.contextmanager
def kept_process_state() -> Iterator[None]:
    """Restore torch's global settings and every global generator that rl_games sets or seeds."""
    import torch

    matmul: Any = torch.backends.cuda.matmul
    cudnn: Any = torch.backends.cudnn
    printing: Any = importlib.import_module("torch._tensor_str").PRINT_OPTS
    settings = matmul.allow_tf32, cudnn.allow_tf32, cudnn.benchmark
    precision, threads = torch.get_float32_matmul_precision(), torch.get_num_threads()
    printed = dict(vars(printing))
    generators = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(precision)
        matmul.allow_tf32, cudnn.allow_tf32, cudnn.benchmark = settings
        torch.set_num_threads(threads)
        vars(printing).update(printed)
        torch.set_rng_state(generators[0])
        np.random.set_state(generators[1])  # noqa: NPY002
        random.setstate(generators[2])
        if cuda is not None:
            torch.cuda.set_rng_state_all(cuda)


@contextlib.contextmanager
def deprecations_ignored() -> Iterator[None]:
    """rl_games still uses torch.jit; nobody who trains can mend that."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        yield
