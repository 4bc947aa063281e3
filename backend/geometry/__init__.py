"""Marks as arrays: box, ellipse, polygon, mask, run-length coding, image and patient coordinates."""
