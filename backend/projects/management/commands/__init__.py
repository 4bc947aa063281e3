"""Commands: one module, one command."""
