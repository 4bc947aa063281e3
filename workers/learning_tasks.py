"""Tasks of the queues `train` and `infer`: thin, one id in, a few lines. Only this module's processes load torch."""

from __future__ import annotations
