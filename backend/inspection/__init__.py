"""Looks inside a model version while it reads one image: who may, and what was seen."""
