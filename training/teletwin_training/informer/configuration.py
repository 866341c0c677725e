"""What the network is and how long it learns."""

from __future__ import annotations

from dataclasses import dataclass

from teletwin.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class InformerCfg:
    """Size and training of the Informer; the defaults learn in minutes on two CPU cores."""

    hidden: int = 64
    heads: int = 4
    encoder_layers: int = 2
    decoder_layers: int = 1
    steps: int = 900
    """Updates of the weights."""
    batch_series: int = 4
    """Channels of hands that an update looks at; the library cuts all windows of each, which costs the most time."""
    batch_windows: int = 128
    learning_rate: float = 5e-4
    dropout: float = 0.05
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuse what cannot be built."""
        for name in ("hidden", "heads", "encoder_layers", "decoder_layers", "steps", "batch_series", "batch_windows"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} cannot be used", given=getattr(self, name), allowed="1 or more")
        if self.hidden % self.heads:
            raise ConfigError("hidden is no multiple of heads", given=f"{self.hidden}, {self.heads}")
        if not 0.0 < self.learning_rate < 1.0 or not 0.0 <= self.dropout < 1.0:
            raise ConfigError("the training is out of range", given=f"{self.learning_rate}, {self.dropout}")
