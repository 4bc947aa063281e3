"""Files of other programs are read in a child process under limits of memory and time; what comes back is checked data.

The child is a copy of this process (it needs the format's code, and starts in milliseconds) without its open files: no
database, no socket. It asks for images through its one connection to the parent and dies when it takes too much.
"""

from __future__ import annotations

import gc
import logging
import os
import resource
import select
import signal
import socket
import struct
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final, NoReturn

import msgspec

from backend.dicom.refusal import Refused
from backend.exchange.foreign import ForeignReading, ImageReference, UnusableFile
from backend.exchange.formats.family import Folder, KnownImages, ReadContext
from backend.exchange.reading_messages import (
    Answer,
    Done,
    Message,
    Opened,
    Question,
    Reading,
    Unusable,
    decoded_images,
    decoded_message,
    encoded,
    images_message,
    images_of_message,
    names,
    reading_message,
    reading_of_message,
)
from backend.exchange.source_folder import SourceFolder

MEMORY_BYTES: Final = 640 * 1024**2
"""Beyond what this process has when it is copied."""
CPU_SECONDS: Final = 60
"""For one reading."""
WALL_SECONDS: Final = 120.0
_LARGEST_MESSAGE: Final = 512 * 1024**2
_TOO_LONG: Final = "It takes too long to read."
_TOO_MUCH: Final = "It needs more memory to read than one file may take."
_DAMAGED: Final = "Damaged, or no {title} that can be read ({error})."
_CRASHED: Final = "Damaged: reading it crashes."

Found = ForeignReading | UnusableFile
Reader = Callable[[Folder, ReadContext], Iterator[Found]]


def read_in_child(
    read: Reader, title: str, folder: Folder, context: ReadContext, *, wall_seconds: float = WALL_SECONDS
) -> Iterator[Found]:
    """What `read` finds in a folder, read in a child; Refused where nothing (more) can be read, with the reason."""

    def work(channel: _Channel) -> None:
        asking = replace(context, by_name=channel.by_name, by_uid=channel.by_uid, find=channel.find)
        found = read(_ToldFolder(folder, channel), asking)
        while True:
            _allow_more_time()
            reading = next(found, None)
            if reading is None:
                return
            if isinstance(reading, UnusableFile):
                channel.send(Unusable(reading.source, reading.reason))
            else:
                channel.send(reading_message(reading))

    for message in _conversation(work, title, folder, context, wall_seconds):
        if isinstance(message, Reading):
            yield reading_of_message(message)
        elif isinstance(message, Unusable):
            yield UnusableFile(message.source, message.reason)


def names_in_child(ask: Callable[[Folder], Collection[str]], folder: Folder) -> list[str]:
    """What `ask` says of a folder (names of files or formats), asked in a child; nothing where it fails."""

    def work(channel: _Channel) -> None:
        _allow_more_time()
        channel.send(names(list(ask(_ToldFolder(folder, channel)))))

    found: list[str] = []
    with suppress(Refused):
        for message in _conversation(work, "file", folder, None, WALL_SECONDS):
            if isinstance(message, Answer):
                found += message.names
    return found


class _Channel:
    """One end of the connection; messages are framed by their length."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def send(self, message: Message) -> None:
        self.send_bytes(encoded(message))

    def send_bytes(self, data: bytes) -> None:
        self._connection.sendall(struct.pack("<Q", len(data)) + data)

    def receive(self, deadline: float | None = None) -> bytes:
        """The next message; nothing where the other end is gone, TimeoutError when the time is up."""
        head = self._exactly(8, deadline)
        if not head:
            return b""
        (length,) = struct.unpack("<Q", head)
        if length > _LARGEST_MESSAGE:
            raise Refused("What it holds is too large for one reading.")
        return self._exactly(length, deadline)

    def _exactly(self, count: int, deadline: float | None) -> bytes:
        data = bytearray()
        while len(data) < count:
            if deadline is not None:
                ready, _, _ = select.select([self._connection], [], [], max(deadline - time.monotonic(), 0))
                if not ready:
                    raise TimeoutError
            piece = self._connection.recv(min(count - len(data), 1 << 20))
            if not piece:
                return b""
            data += piece
        return bytes(data)

    def by_name(self, name: str) -> KnownImages | None:
        return self._asked(Question(False, name))

    def by_uid(self, uid: str) -> KnownImages | None:
        return self._asked(Question(True, uid))

    def find(self, reference: ImageReference) -> KnownImages | None:
        return self._asked(Question(False, "", reference))

    def _asked(self, question: Question) -> KnownImages | None:
        self.send(question)
        answer = self.receive()
        if not answer:
            os._exit(1)
        _allow_more_time()
        return images_of_message(decoded_images(answer))


class _ToldFolder(Mapping[str, Path]):
    """The child's folder: the parent hears which files are opened."""

    def __init__(self, folder: Folder, channel: _Channel) -> None:
        self._folder, self._channel = folder, channel
        if isinstance(folder, SourceFolder):
            folder.forget_open_archives()
        self._told: set[str] = set()

    def __getitem__(self, name: str) -> Path:
        path = self._folder[name]
        if name not in self._told:
            self._told.add(name)
            self._channel.send(Opened(name))
        return path

    def head(self, name: str, count: int) -> bytes:
        """The first bytes of a file; where a folder can look at them without unpacking the file, it does."""
        if isinstance(self._folder, SourceFolder):
            return self._folder.head(name, count)
        with self._folder[name].open("rb") as file:
            return file.read(count)

    def __iter__(self) -> Iterator[str]:
        return iter(self._folder)

    def __len__(self) -> int:
        return len(self._folder)


def _conversation(
    work: Callable[[_Channel], None], title: str, folder: Folder, context: ReadContext | None, wall_seconds: float
) -> Iterator[Message]:
    """The child's messages, its questions answered; Refused with what it died of."""
    if isinstance(folder, SourceFolder):
        folder.make_scratch()
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if not pid:
        _live(work, title, theirs)
    theirs.close()
    parent = _Parent(_Channel(ours), pid, title, folder, context)
    try:
        while not isinstance(message := parent.next_message(wall_seconds), Done):
            yield message
    finally:
        ours.close()
        parent.end()


class _Parent:
    """The parent's side of one conversation."""

    def __init__(self, channel: _Channel, pid: int, title: str, folder: Folder, context: ReadContext | None) -> None:
        self._channel, self._pid, self._title = channel, pid, title
        self._folder, self._context = folder, context
        self._buried = False

    def next_message(self, seconds: float) -> Message:
        """The next message that is for others; Refused with what the child died of or could not read."""
        while True:
            message = self._received(seconds)
            if isinstance(message, Question) and self._context is not None:
                self._answer(encoded(images_message(_images(self._context, message))))
            elif isinstance(message, Opened):
                if isinstance(self._folder, SourceFolder):
                    self._folder.opened.add(message.name)
            elif isinstance(message, Unusable) and message.rest:
                raise Refused(message.reason)
            else:
                return message

    def end(self) -> None:
        """See to it that the child is gone."""
        if not self._buried:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
            self._buried = True

    def _received(self, seconds: float) -> Message:
        try:
            data = self._channel.receive(time.monotonic() + seconds)
        except TimeoutError as error:
            raise Refused(_TOO_LONG) from error
        except ConnectionError:
            data = b""
        if not data:
            raise Refused(self._obituary())
        try:
            message: Message = decoded_message(data)
        except msgspec.MsgspecError as error:
            raise Refused(_DAMAGED.format(title=self._title, error="unreadable answer")) from error
        return message

    def _answer(self, data: bytes) -> None:
        with suppress(ConnectionError):  # the next message tells what became of it
            self._channel.send_bytes(data)

    def _obituary(self) -> str:
        """What the child died of, in a reader's words."""
        _, status = os.waitpid(self._pid, 0)
        self._buried = True
        if not os.WIFSIGNALED(status):
            return _CRASHED
        causes = {signal.SIGXCPU: _TOO_LONG, signal.SIGKILL: _TOO_MUCH}
        return causes.get(signal.Signals(os.WTERMSIG(status)), _CRASHED)


def _images(context: ReadContext, question: Question) -> KnownImages | None:
    if question.reference is not None:
        return context.find(question.reference)
    return context.by_uid(question.value) if question.by_uid else context.by_name(question.value)


def _live(work: Callable[[_Channel], None], title: str, connection: socket.socket) -> NoReturn:
    """The child's whole life; it never returns into the code that it was copied from."""
    try:
        gc.freeze()  # what the parent made is not to be finalised here
        _let_go_of_everything_but(connection.fileno())
        logging.disable(logging.CRITICAL)
        _limit()
        channel = _Channel(connection)
        channel.send(_work_done(work, channel, title))
    finally:
        os._exit(0)


def _work_done(work: Callable[[_Channel], None], channel: _Channel, title: str) -> Message:
    """Do the work; every failure is an answer too."""
    try:
        work(channel)
    except Refused as refusal:
        return Unusable("", str(refusal), rest=True)
    except MemoryError:
        return Unusable("", _TOO_MUCH, rest=True)
    except RecursionError:
        return Unusable("", "Damaged: it is nested too deeply.", rest=True)
    except Exception as error:  # noqa: BLE001 readers of damaged files raise what their libraries raise
        return Unusable("", _DAMAGED.format(title=title, error=type(error).__name__), rest=True)
    return Done()


def _let_go_of_everything_but(kept: int) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    os.closerange(3, kept)
    os.closerange(kept + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def _limit() -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGXCPU):
        signal.signal(number, signal.SIG_DFL)
    signal.alarm(0)
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if Path("/proc/self/statm").exists() else 0
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if pages:
        most = pages * resource.getpagesize() + MEMORY_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _allow_more_time() -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    allowed = int(used.ru_utime + used.ru_stime) + CPU_SECONDS + 1
    resource.setrlimit(resource.RLIMIT_CPU, (allowed, resource.RLIM_INFINITY))
