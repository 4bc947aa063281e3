"""Django side of Overread: all that a web request may touch."""
