"""Commands of `learning`."""
