"""QIDO-RS: searches for studies, series and instances, whole-project or below a study or a series."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final

import msgspec
from django.http import HttpResponse
from django.utils.cache import patch_vary_headers
from rest_framework.request import Request

from backend.dicom.header import BULK_SCHEME
from backend.dicomweb.attributes import (
    MODALITIES_IN_STUDY,
    REQUEST_ATTRIBUTES,
    SCHEDULED_STEP,
    Level,
    columns_of,
    element,
    single_element,
)
from backend.dicomweb.datasets import chosen_type, dataset_answer
from backend.dicomweb.dicomweb_view import REVALIDATE, DicomwebView
from backend.dicomweb.level_modules import MODULE_TAGS
from backend.dicomweb.search import Search, parse_search
from backend.dicomweb.search_selectors import Scope, SeriesShown, count_of, found_rows, headers_of, series_shown

_BULK: Final = f'"{BULK_SCHEME}'.encode()
Result = dict[str, Any]
Header = Mapping[str, msgspec.Raw]


class SearchView(DicomwebView):
    """What the three searches share: parse, page, describe, answer."""

    operations: ClassVar[dict[str, str]] = {"GET": "dicomweb.search"}
    level: ClassVar[Level]

    def get(self, request: Request, slug: str, study: str | None = None, series: str | None = None) -> HttpResponse:
        """The matching results as DICOM JSON or XML; 204 if there are none."""
        media_type = chosen_type(self.accept())
        search = parse_search(request.GET, self.level)
        scope = Scope(self.shown, study, series)
        rows = found_rows(scope, self.level, search)
        has_more = len(rows) > search.limit
        results = self.described(scope, dict(rows[: search.limit]), search)
        response = dataset_answer(msgspec.json.encode(results), media_type, request) if results else HttpResponse(status=204)
        if has_more:
            search.warnings.append("There are additional results that can be requested.")
        if rows and not has_more:
            response["X-Total-Count"] = search.offset + len(rows)
        elif "count=exact" in request.headers.get("Prefer", ""):
            response["X-Total-Count"] = count_of(scope, self.level, search)
            response["Preference-Applied"] = "count=exact"
        response["Cache-Control"] = REVALIDATE
        patch_vary_headers(response, ("Accept", "Cookie", "Authorization"))
        if search.warnings:
            response["Warning"] = ", ".join(f'299 {request.get_host()} "{text}"' for text in search.warnings)
        return response

    def described(self, scope: Scope, rows: Mapping[int, Mapping[str, Any]], search: Search) -> list[Result]:
        """DICOM JSON of the rows."""
        columns = [(attribute.tag, attribute.vr) for attribute in columns_of(self.level) if len(attribute.tag) == 8]
        tags = search.include - {tag for tag, _ in columns}
        below = self.below(scope, list(rows)) if rows else {}
        with_header = list(rows) if tags or search.include_all else [key for key in rows if rows[key].get(SCHEDULED_STEP)]
        headers = self.headers_behind(with_header, below) if with_header else {}
        modules = MODULE_TAGS.get(self.level) if search.include_all else frozenset()
        root, results = self.root(), []
        for key, row in rows.items():
            header = headers.get(key, {})
            # All that describes the level: of an instance it is the whole header.
            taken = [tag for tag in header if modules is None or tag in modules or tag in tags or tag == REQUEST_ATTRIBUTES]
            # Bulk data is what metadata names.
            result: Result = {tag: header[tag] for tag in taken if _BULK not in bytes(header[tag])}
            for tag, vr in columns:
                result[tag] = single_element(vr, row[tag])
            result["00080005"] = {"vr": "CS", "Value": ["ISO_IR 192"]}
            result["00080056"] = {"vr": "CS", "Value": ["ONLINE"]}
            result["00081190"] = {"vr": "UR", "Value": [self._retrieve_url(root, row)]}
            result.update(self.counted(below.get(key, ())))
            # PS3.18 F.2.2: attributes in ascending order of their tags.
            results.append(dict(sorted(result.items())))
        return results

    def _retrieve_url(self, root: str, row: Mapping[str, Any]) -> str:
        url = f"{root}/studies/{row['0020000D']}"
        if self.level is not Level.STUDY:
            url += f"/series/{row['0020000E']}"
        if self.level is Level.INSTANCE:
            url += f"/instances/{row['00080018']}"
        return url

    def below(self, scope: Scope, keys: list[int]) -> Mapping[int, list[SeriesShown]]:
        """By row the series that the project shows of it."""
        return {}

    def counted(self, shown: Iterable[SeriesShown]) -> Result:
        """Counts and modalities of what lies below a row."""
        return {}

    def headers_behind(self, keys: list[int], below: Mapping[int, list[SeriesShown]]) -> Mapping[int, Header]:
        """The header of the first instance that the project shows of each of these rows."""
        first = {key: min(series.first_instance for series in below[key]) for key in keys}
        found = headers_of(first.values())
        return {key: found[instance] for key, instance in first.items()}


class SearchStudiesView(SearchView):
    """`/studies`."""

    level = Level.STUDY

    def below(self, scope: Scope, keys: list[int]) -> Mapping[int, list[SeriesShown]]:
        """The study's series."""
        found: dict[int, list[SeriesShown]] = defaultdict(list)
        for series in series_shown(scope, studies=keys):
            found[series.study_id].append(series)
        return found

    def counted(self, shown: Iterable[SeriesShown]) -> Result:
        """Modalities and the numbers of series and instances; only what the project shows is counted."""
        series = list(shown)
        return {
            MODALITIES_IN_STUDY: element("CS", sorted({one.modality for one in series})),
            "00201206": single_element("IS", len(series)),
            "00201208": single_element("IS", sum(one.instances for one in series)),
        }


class SearchSeriesView(SearchView):
    """`/series` and `/studies/<uid>/series`."""

    level = Level.SERIES

    def below(self, scope: Scope, keys: list[int]) -> Mapping[int, list[SeriesShown]]:
        """The series itself."""
        return {series.series_id: [series] for series in series_shown(scope, series=keys)}

    def counted(self, shown: Iterable[SeriesShown]) -> Result:
        """The number of instances."""
        return {"00201209": single_element("IS", sum(one.instances for one in shown))}


class SearchInstancesView(SearchView):
    """`/instances`, `/studies/<uid>/instances` and `…/series/<uid>/instances`."""

    level = Level.INSTANCE

    def headers_behind(self, keys: list[int], below: Mapping[int, list[SeriesShown]]) -> Mapping[int, Header]:
        """The instances' own headers."""
        return headers_of(keys)
