"""Commands of `exchange`."""
