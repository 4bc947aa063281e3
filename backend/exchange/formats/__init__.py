"""The formats that readings come in and go out in: one module each, all with the same few names.

    TITLE: str                                what people call it
    CARRIES: Carries                          what of a reading survives in it; the rest is told before exporting
    write(export: Export) -> Iterator[ExportFile]         the readings chosen as files, one after the other
    recognises(files: Folder) -> bool                     whether a set of files looks like this format
    read(files: Folder, context: ReadContext) -> Iterator[ForeignReading]   readings of a set of files, or Refused

A format that can only be written or only be read lacks the other names. A module knows its format and no row: images
reach it through `Export` and `ReadContext`, and what it reads leaves it as `backend.exchange.foreign`.
"""
