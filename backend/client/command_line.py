"""The command `overread`: what the client does, from a shell; `--json` prints the server's own documents."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, cast

import numpy as np

from .credentials import Credentials, load_credentials, save_credentials
from .errors import OverreadError
from .export_filter import add_filter_arguments, filter_given, is_limited
from .foreign_model import ForeignModel
from .predictions import CasePrediction, predictions_of
from .projects import Project
from .readings import lesions_of
from .schema import ExportOrderRequest, ImportOptionsRequest, StoredPrediction
from .server import Server, connect
from .uploads import Progress

Command = Callable[[argparse.Namespace], Any]
_COLUMNS: Final = {
    "projects": ("slug", "role", "modality", "name"),
    "rounds": ("number", "state", "track", "model_version", "message"),
    "models": ("number", "state", "n_labels", "created_at"),
    "foreign": ("name", "version", "is_shown", "cases_read"),
    "cases": ("id", "name", "state", "split"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 if it went well, 1 with the reason on standard error if not, 2 for a wrong call."""
    given = _parser().parse_args(arguments)
    try:
        told = given.command(given)
    except (OverreadError, ValueError, OSError) as error:
        print(f"overread: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("overread: interrupted", file=sys.stderr)
        return 130
    if given.json:
        json.dump(told, sys.stdout, ensure_ascii=False, indent=1, default=str)
        print()
    else:
        _print(told, given.name)
    return 0


def _print(told: Any, name: str) -> None:
    """A list as aligned columns, a document as lines, a sentence as it is."""
    if isinstance(told, str):
        print(told)
    elif isinstance(told, list):
        columns = _COLUMNS[name]
        rows = [[str(row.get(column, "")) for column in columns] for row in told]
        widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
        for line in [list(columns), *rows]:
            print("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())
    elif isinstance(told, dict):
        for key, value in told.items():
            print(f"{key}: {value if isinstance(value, str | int | float) else json.dumps(value, default=str)}")


def _server(given: argparse.Namespace) -> Server:
    kept = load_credentials()
    return connect(kept.url, kept.token, allow_http=given.allow_http)


def _login(given: argparse.Namespace) -> Any:
    token = os.environ.get("OVERREAD_TOKEN") or (getpass.getpass("Token: ") if sys.stdin.isatty() else sys.stdin.readline())
    credentials = Credentials(given.url.rstrip("/"), token.strip())
    who = connect(credentials.url, credentials.token, allow_http=given.allow_http).me()["username"]
    path = save_credentials(credentials)
    return {"signed_in": who, "server": credentials.url, "kept_in": str(path)} if given.json else f"{who}, kept in {path}"


def _projects(given: argparse.Namespace) -> Any:
    return [project.document for project in _server(given).projects()]


def _create(given: argparse.Namespace) -> Any:
    kinds = given.type or []
    types = [{"name": name, "scope": "lesion"} for name in kinds]
    types += [{"name": name, "scope": "image"} for name in given.image_type or []]
    fields = {"name": given.project_name, "question": given.question, "modality": given.modality, "unit": given.unit}
    fields |= {"deid_profile": given.deid, "finding_types": types, **({"slug": given.slug} if given.slug else {})}
    made = _server(given).create_project(**cast(Any, fields))
    return made.document if given.json else f"Project {made.slug}"


def _import(given: argparse.Namespace) -> Any:
    options = json.loads(given.options) if given.options else {}
    if not isinstance(options, dict):
        raise ValueError('--options is a JSON object, as {"labels_file": "labels.csv"}.')
    project = _server(given).project(given.project)
    run = project.import_paths(
        given.paths,
        options=cast(ImportOptionsRequest, options),
        resume=given.resume or "",
        wait=not given.no_wait,
        on_progress=None if given.json or not sys.stderr.isatty() else _show_progress,
    )
    if given.json:
        return run
    for item in project.import_items(run["id"], "refused"):
        print(f"{item['name']}: {item['reason']}", file=sys.stderr)
    counts = ", ".join(f"{count} {state}" for state, count in run["counts"].items() if count and state != "total")
    return f"Import {run['id']} {run['state']}: {counts}. {run['message']}".strip()


def _show_progress(progress: Progress) -> None:
    share = 100 * progress.done // max(1, progress.total)
    print(f"\r{progress.step} {share} %", end="" if progress.done < progress.total else "\n", file=sys.stderr, flush=True)


def _cases(given: argparse.Namespace) -> Any:
    return [case.row for case in _server(given).project(given.project).cases()]


def _readings(given: argparse.Namespace) -> Any:
    readings = _server(given).project(given.project).readings()
    if given.npz:
        _write_arrays(readings, Path(given.npz))
    if given.json:
        return [{**reading.document, "lesions": [lesion.document for lesion in reading.lesions]} for reading in readings]
    lesions = sum(len(reading.lesions) for reading in readings)
    return f"{len(readings)} readings with {lesions} lesions" + (f" in {given.npz}" if given.npz else "")


def _write_arrays(readings: Any, target: Path) -> None:
    """One mask [pictures, rows, columns] for each lesion by its id, and a table of what they are."""
    arrays: dict[str, Any] = {}
    table = []
    for reading, lesion in lesions_of(readings):
        arrays[lesion.id] = np.stack(lesion.masks)
        indices = [picture.index for picture in lesion.pictures]
        table.append({
            "lesion": lesion.id, "case": reading.case, "split": reading.split, "reader": reading.reader,
            "finding_type": lesion.finding_type, "kind": lesion.kind, "frames": indices,
        })  # fmt: skip
    np.savez_compressed(target, lesions=np.array(json.dumps(table)), **arrays)


def _export(given: argparse.Namespace) -> Any:
    project = _server(given).project(given.project)
    export_id = given.resume
    if export_id and is_limited(given):
        raise ValueError("--resume fetches an export as it was started: it takes no filter.")
    if not export_id:
        order = ExportOrderRequest(format=given.format, options=dict(given.option), pictures=given.pictures)
        if is_limited(given):
            order["filter"] = filter_given(given, project)
        for loss in project.preview_export(**order)["losses"]:
            print(f"not carried by {given.format}: {loss.get('text') or loss['what']} ({loss['count']})", file=sys.stderr)
        export_id = project.start_export(**order)["id"]
        print(f"Export {export_id}", file=sys.stderr)
    shown = None if given.json or not sys.stderr.isatty() else _show_progress
    run = project.wait_for_export(export_id, on_progress=shown)
    path = project.download_export(export_id, Path(given.target))
    return run if given.json else f"{path}, {run['size']} bytes, SHA-256 {run['sha256']}"


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not (name and separator and value):
        raise argparse.ArgumentTypeError("an option is NAME=VALUE")
    return name, value


def _rounds(given: argparse.Namespace) -> Any:
    project = _server(given).project(given.project)
    if not (given.start or given.watch):
        return project.rounds()
    number = given.watch or project.start_round()["number"]
    if given.start and not given.wait and not given.watch:
        return project.round(number) if given.json else f"Round {number} started"
    told = project.watch_round(
        number, on_change=lambda now: print(f"Round {now['number']}: {now['state']}", file=sys.stderr, flush=True)
    )
    return told if given.json else f"Round {number} {told['state']}. {told['message']}".strip()


def _models(given: argparse.Namespace) -> Any:
    return _server(given).project(given.project).models()


def _foreign(given: argparse.Namespace) -> Any:
    project = _server(given).project(given.project)
    if given.model_name is None:
        if given.put:
            raise ValueError("--put needs the model's NAME and VERSION.")
        return [model.document for model in project.foreign_models()]
    if given.version is None:
        raise ValueError("A model is registered by NAME and VERSION.")
    predictions = predictions_of(Path(given.put)) if given.put else []
    model = project.foreign_model(
        given.model_name, given.version, description=given.description, display_threshold=_threshold(given, project)
    )
    stored = _put_predictions(project, model, predictions, resume=given.resume)
    if given.json:
        return {"model": model.document, "stored": stored}
    told = f"{given.model_name} {given.version}, reader {model.document['reader']}"
    return f"{told}: {len(stored)} readings put" if given.put else told


def _threshold(given: argparse.Namespace, project: Project) -> float:
    """What was given, else that of the model of this name and version, else 0.5."""
    if given.threshold is not None:
        return float(given.threshold)
    known = (model.document for model in project.foreign_models())
    same = (one for one in known if (one["name"], one["version"]) == (given.model_name, given.version))
    return next((one["display_threshold"] for one in same), 0.5)


def _put_predictions(
    project: Project, model: ForeignModel, predictions: Sequence[CasePrediction], *, resume: bool
) -> list[StoredPrediction]:
    """Put all of them, once every case and finding is known to be there; ValueError names the one that is not."""
    cases = {name: case for case in project.cases() for name in (case.id, case.name)} if predictions else {}
    for one in predictions:
        if one.case not in cases:
            raise ValueError(f"The project has no case {one.case}.")
        model.check(one.lesions, one.image_findings)
    done = {one["case"] for one in model.cases()} if resume else set()
    stored = []
    for one in predictions:
        case = cases[one.case]
        if case.id in done:
            continue
        try:
            stored.append(model.put(case.id, case.images(), one.lesions, image_findings=one.image_findings))
        except (OverreadError, ValueError) as error:
            raise ValueError(f"{case.name}: {error} {len(stored)} readings were put before it.") from error
    return stored


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="overread", description="Overread from a shell.")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="print the server's documents")
    common.add_argument("--allow-http", action="store_true", help="send the token unencrypted to another machine")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Command, help: str, *, of_project: bool = True) -> argparse.ArgumentParser:
        made = commands.add_parser(name, parents=[common], help=help, description=help)
        made.set_defaults(command=run, name=name)
        if of_project:
            made.add_argument("project", help="the project's slug")
        return made

    login = command("login", _login, "keep a server's address and a token, which is asked for", of_project=False)
    login.add_argument("url")
    command("projects", _projects, "list projects", of_project=False)
    create = command("create", _create, "make a project", of_project=False)
    create.add_argument("project_name", metavar="NAME")
    create.add_argument("--question", default="")
    create.add_argument("--modality", required=True)
    create.add_argument("--unit", choices=("image", "series"), default="image")
    create.add_argument("--deid", default="basic", help="profile of de-identification (default: basic)")
    create.add_argument("--slug")
    create.add_argument("--type", action="append", help="a finding type of lesions; may be repeated")
    create.add_argument("--image-type", action="append", help="a finding of images as a whole; may be repeated")
    bring = command("import", _import, "import files and folders")
    bring.add_argument("paths", nargs="+")
    bring.add_argument("--options", help='JSON as on the import page: {"labels_file": "labels.csv"}')
    bring.add_argument("--resume", metavar="RUN", help="go on with an import that was broken off")
    bring.add_argument("--no-wait", action="store_true", help="do not wait until the server has imported")
    command("cases", _cases, "list cases")
    readings = command("readings", _readings, "fetch submitted readings")
    readings.add_argument("--npz", metavar="FILE", help="write the masks as NumPy arrays")
    export = command("export", _export, "have an export written and fetch its zip archive")
    export.add_argument("target", help="the file to write")
    export.add_argument("--format", default="coco", help="as the export page lists them (default: coco)")
    export.add_argument("--pictures", action="store_true", help="images alongside, not by reference")
    export.add_argument("--option", action="append", default=[], type=_pair, metavar="NAME=VALUE", help="of the format")
    export.add_argument("--resume", metavar="EXPORT", help="fetch an export that was started before")
    add_filter_arguments(export)
    rounds = command("rounds", _rounds, "list rounds, start one, or follow one")
    rounds.add_argument("--start", action="store_true")
    rounds.add_argument("--wait", action="store_true", help="with --start: until it has ended")
    rounds.add_argument("--watch", type=int, metavar="NUMBER")
    command("models", _models, "list model versions")
    foreign = command("foreign", _foreign, "list models that are run elsewhere, register one, put its readings")
    foreign.add_argument("model_name", metavar="NAME", nargs="?", help="register the model of this name")
    foreign.add_argument("version", metavar="VERSION", nargs="?", help="and version; the one there is, where there is one")
    foreign.add_argument("--threshold", type=float, help="least score that a reader is shown (of a new one: 0.5)")
    foreign.add_argument("--description", default="")
    foreign.add_argument("--put", metavar="FILE", help="JSON with what it found in each case")
    foreign.add_argument("--resume", action="store_true", help="with --put: leave out the cases that it has read")
    return parser


if __name__ == "__main__":
    sys.exit(main())
