"""Reader, Reading, Lesion, decisions and revisions."""
