"""DICOM without Django: read, pixels, volumes, de-identification, DICOM JSON."""
