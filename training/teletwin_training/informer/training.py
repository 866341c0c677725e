"""Fits the Informer on recordings."""

from __future__ import annotations

import importlib.util
import logging
import os
import tempfile
import warnings
from collections.abc import Sequence

from teletwin.errors import MissingPartError
from teletwin.forecast import WINDOW_COUNT
from teletwin.hand.recording import HandRecording
from teletwin_training.informer.configuration import InformerCfg
from teletwin_training.informer.forecaster import InformerForecaster
from teletwin_training.informer.series import STEPS, training_table


def require_neuralforecast() -> None:
    """Say what is missing.

    Raises:
        MissingPartError: neuralforecast is not installed.
    """
    if importlib.util.find_spec("neuralforecast") is None:
        raise MissingPartError("the informer needs neuralforecast", mend="pip install 'teletwin[informer]'")


def train_informer(tracks: Sequence[HandRecording], *, cfg: InformerCfg | None = None) -> InformerForecaster:
    """Train on these recordings; minutes on a CPU.

    Raises:
        MissingPartError: neuralforecast is not installed.
    """
    require_neuralforecast()
    cfg = cfg or InformerCfg()
    _keep_quiet()
    from neuralforecast import NeuralForecast
    from neuralforecast.models import Informer

    model = Informer(
        h=STEPS,
        input_size=WINDOW_COUNT - 1,
        hidden_size=cfg.hidden,
        n_head=cfg.heads,
        conv_hidden_size=cfg.hidden,
        encoder_layers=cfg.encoder_layers,
        decoder_layers=cfg.decoder_layers,
        dropout=cfg.dropout,
        max_steps=cfg.steps,
        learning_rate=cfg.learning_rate,
        batch_size=cfg.batch_series,
        windows_batch_size=cfg.batch_windows,
        inference_windows_batch_size=4096,
        scaler_type="standard",
        random_seed=cfg.seed,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tempfile.gettempdir(),
    )
    network = NeuralForecast(models=[model], freq=1)
    network.fit(training_table(tracks))
    return InformerForecaster(network)


def _keep_quiet() -> None:
    """The libraries say much that is of no use to whoever runs a study."""
    os.environ.setdefault("NIXTLA_ID_AS_COL", "1")
    warnings.filterwarnings("ignore", module="neuralforecast|pytorch_lightning|torch")
    for name in ("pytorch_lightning", "lightning", "lightning.pytorch", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
