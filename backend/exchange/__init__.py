"""Import of images and labels, export of readings."""
