"""Webhooks: what happens in a project is told to addresses that its lead chose, signed, until it is taken."""
