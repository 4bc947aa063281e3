"""The formats that readings come in and go out in: one module each, all with the same few names.

    TITLE: str                                what people call it
    CARRIES: Carries                          what of a reading survives in it; the rest is told before exporting
    write(export: Export) -> Iterator[ExportFile]         the readings chosen as files, one after the other
    recognises(files: Folder) -> bool                     whether a set of files looks like this format
    read(files: Folder, context: ReadContext) -> Iterator[ForeignReading | UnusableFile]   readings of a set of files;
                                              UnusableFile for a bad file among good ones, Refused where nothing can be used

and, where they are needed, five more:

    READ_OPTIONS, WRITE_OPTIONS: tuple[FormatOption, ...]  what a person may set for `read` and for `write`
                                              (`backend.exchange.formats.options`): one source for the page's form, the check
                                              of what is given, what is told before an export, and the reader or writer

    SPECIFICITY: int                          who is asked first (higher; 0 where it is not named): nnU-Net before NIfTI
    claims(files: Folder) -> Collection[str]  readings among the files that would pass for images (mask pictures): no images
    READ_IN_CHILD: bool                       `read` runs in a limited child process (`backend.exchange.reading_child`) as in
                                              all formats that parse files themselves and not through `context.objects`

Every module here that has a TITLE is a format of its own name (`backend.exchange.format_registry`). Files that one format
has opened while reading are not offered to the next. A format that can only be written or only be read lacks the other
names. A module knows its format and no row: images reach it through `Export` and `ReadContext`, and what it reads leaves it
as `backend.exchange.foreign`.
"""
