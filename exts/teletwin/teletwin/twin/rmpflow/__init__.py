"""RMPflow: NVIDIA's reactive motion policy in its exact forms, compiled, for any serial arm."""

from __future__ import annotations

from teletwin.twin.rmpflow.config import RmpFlowConfig
from teletwin.twin.rmpflow.config_file import load_rmpflow_config, rmpflow_config_from_tree
from teletwin.twin.rmpflow.flow import RmpFlow
from teletwin.twin.rmpflow.policy import RmpFlowPolicy, load_ur3e_rmpflow

__all__ = [
    "RmpFlow",
    "RmpFlowConfig",
    "RmpFlowPolicy",
    "load_rmpflow_config",
    "load_ur3e_rmpflow",
    "rmpflow_config_from_tree",
]
