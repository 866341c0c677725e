"""An Informer (Zhou et al., AAAI 2021) from neuralforecast, trained on hands and judged like every forecaster.

It brings torch and ray, so it has an extra of its own and never runs in the loop.
"""

from __future__ import annotations

from teletwin_training.informer.configuration import InformerCfg
from teletwin_training.informer.forecaster import InformerForecaster
from teletwin_training.informer.training import require_neuralforecast, train_informer

__all__ = ["InformerCfg", "InformerForecaster", "require_neuralforecast", "train_informer"]
