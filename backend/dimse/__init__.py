"""DIMSE: images received by C-STORE, and remote PACS that are searched, pulled from and sent to (DIMSE and DICOMweb)."""
