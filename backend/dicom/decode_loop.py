"""The decoding child: reads requests, prepares files under limits of memory and CPU time, answers; knows no Django.

Protocol: one JSON object per line. Request: {"path", "frames_path", "settings", "cpu_seconds"}. Answer:
{"prepared": {...}} with the frames blob written to `frames_path`; {"refused": reason}; or {"held": why, "facts": {...},
"refused": sentence} with a preview there. With "finding" in the place of "settings" the file is a SEG, SR or RTSTRUCT; the
answer is {"found": true} with `encoded_object` written to `frames_path`. A request of {"identify": path, "cpu_seconds"} is
answered by {"identity": {...}}, one of {"describe": path, "cpu_seconds"} by {"facts": {...}}. Answers leave by a
descriptor of their own, because decoders print to standard output.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import sys
import warnings
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Final

from backend.dicom.file_facts import file_facts
from backend.dicom.found import FindingSettings, encoded_object
from backend.dicom.identity import identity_of
from backend.dicom.object_reading import found_object
from backend.dicom.prepare import PreparationSettings, prepared_instance
from backend.dicom.refusal import Held, Refused

_LEAST_SECONDS: Final = 3
_BYTES_A_SECOND: Final = 8 * 1024**2  # of decoded pixels: a tenth of what the slowest path does


def answered(request: dict[str, Any]) -> dict[str, Any]:
    """The answer to one request; every failure is an answer too."""
    try:
        if "identify" in request:
            with Path(request["identify"]).open("rb") as received:
                return {"identity": asdict(identity_of(received))}
        if "describe" in request:
            with Path(request["describe"]).open("rb") as received:
                return {"facts": file_facts(received)}
        if "finding" in request:
            data = Path(request["path"]).read_bytes()
            Path(request["frames_path"]).write_bytes(
                encoded_object(found_object(data, FindingSettings(**request["finding"])))
            )
            return {"found": True}
        # A decoder that is given damage may turn in a circle (CharLS does): nobody waits for that as for a large image.
        on_size = partial(_allow_for_pixels, request["cpu_seconds"])
        with Path(request["path"]).open("rb") as received, Path(request["frames_path"]).open("w+b") as blob:
            prepared = prepared_instance(received, PreparationSettings(**request["settings"]), blob, on_size=on_size)
    except Held as held:
        Path(request["frames_path"]).write_bytes(held.preview)
        return {"held": held.why, "refused": str(held), "facts": held.facts}
    except Refused as refusal:
        return {"refused": str(refusal)}
    except MemoryError:
        return {"refused": "It needs more memory to read than one file may take.", "exhausted": True}
    except RecursionError:
        return {"refused": "Damaged: its header is nested too deeply."}
    except Exception as error:  # noqa: BLE001 pydicom raises AttributeError, ValueError, struct.error and more on broken files
        logging.getLogger(__name__).info("unreadable file: %s", type(error).__name__)
        return {"refused": "Damaged: its header cannot be read."}
    return {"prepared": asdict(prepared)}


def _allow_for_pixels(most: int, unpacked: int) -> None:
    """CPU time from now on by the bytes that there are to decode, never more than `most` seconds."""
    _allow(min(most, _LEAST_SECONDS + unpacked // _BYTES_A_SECOND))


def _allow(seconds: int) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    allowed = int(used.ru_utime + used.ru_stime) + seconds + 1
    resource.setrlimit(resource.RLIMIT_CPU, (allowed, resource.RLIM_INFINITY))


def main() -> None:
    """Serve requests from standard input until it ends. Arguments: memory limit in bytes."""
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    memory = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in sys.stdin:
        request = json.loads(line)
        _allow(int(request["cpu_seconds"]))
        answers.write(json.dumps(answered(request)) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
