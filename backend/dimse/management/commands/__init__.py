"""Management commands of `dimse`."""
