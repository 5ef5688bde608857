"""The application: what `serve run` and `config.yaml` name."""

from __future__ import annotations

from .health import Health
from .simulations import Simulations

app = Health.bind(Simulations.bind())
