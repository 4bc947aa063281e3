"""Archive, Study, Series, Instance; ingest and frame storage."""
