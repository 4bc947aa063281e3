"""QIDO-RS and WADO-RS over a project's cases."""
