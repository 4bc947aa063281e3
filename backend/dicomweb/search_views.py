"""QIDO-RS: searches for studies, series and instances, whole-project or below a study or a series."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import msgspec
from django.http import HttpResponse
from rest_framework.request import Request

from backend.dicomweb.attributes import (
    FROM_HEADER,
    MODALITIES_IN_STUDY,
    Level,
    columns_of,
    element,
    levels_down_to,
    single_element,
)
from backend.dicomweb.dicomweb_view import REVALIDATE, DicomwebView, NotAcceptable
from backend.dicomweb.media_types import choose_type
from backend.dicomweb.metadata_views import JSON_TYPES
from backend.dicomweb.search import Search, parse_search
from backend.dicomweb.search_selectors import Scope, SeriesShown, found_rows, headers_of, series_shown

Result = dict[str, Any]
Header = Mapping[str, msgspec.Raw]


class SearchView(DicomwebView):
    """What the three searches share: parse, page, describe, answer."""

    operations: ClassVar[dict[str, str]] = {"GET": "dicomweb.search"}
    level: ClassVar[Level]
    root: str

    def get(self, request: Request, slug: str, study: str | None = None, series: str | None = None) -> HttpResponse:
        """The matching results as DICOM JSON; 204 if there are none."""
        media_type = choose_type(self.accept(), JSON_TYPES)
        if media_type is None:
            raise NotAcceptable(JSON_TYPES)
        self.root = request.build_absolute_uri(f"/dicom-web/{slug}")
        search = parse_search(request.GET, self.level)
        scope = Scope(self.project, self.role, study, series)
        rows = found_rows(scope, self.level, search)
        results = self.described(scope, dict(rows[: search.limit]), search)
        if len(rows) > search.limit:
            search.warnings.append("There are additional results that can be requested.")
        response = (
            HttpResponse(msgspec.json.encode(results), content_type=media_type) if results else HttpResponse(status=204)
        )
        response["Cache-Control"] = REVALIDATE
        if search.warnings:
            response["Warning"] = ", ".join(f'299 {request.get_host()} "{text}"' for text in search.warnings)
        return response

    def described(self, scope: Scope, rows: Mapping[int, Mapping[str, Any]], search: Search) -> list[Result]:
        """DICOM JSON of the rows."""
        columns = [(attribute.tag, attribute.vr) for attribute in columns_of(self.level)]
        tags = (self._header_tags() | search.include) - {tag for tag, _ in columns}
        below = self.below(scope, list(rows)) if rows else {}
        headers = self.headers_behind(list(rows), below, wanted=bool(tags) or search.include_all) if rows else {}
        whole = search.include_all and self.level is Level.INSTANCE
        results = []
        for key, row in rows.items():
            header = headers.get(key, {})
            result: Result = dict(header) if whole else {tag: header[tag] for tag in tags if tag in header}
            for tag, vr in columns:
                result[tag] = single_element(vr, row[tag])
            result["00080056"] = {"vr": "CS", "Value": ["ONLINE"]}
            result["00081190"] = {"vr": "UR", "Value": [self._retrieve_url(row)]}
            result.update(self.counted(below.get(key, ())))
            # PS3.18 F.2.2: attributes in ascending order of their tags.
            results.append(dict(sorted(result.items())))
        return results

    def _retrieve_url(self, row: Mapping[str, Any]) -> str:
        url = f"{self.root}/studies/{row['0020000D']}"
        if self.level is not Level.STUDY:
            url += f"/series/{row['0020000E']}"
        if self.level is Level.INSTANCE:
            url += f"/instances/{row['00080018']}"
        return url

    def _header_tags(self) -> set[str]:
        if self.level is Level.INSTANCE:
            return set()
        return {tag for level in levels_down_to(self.level) for tag in FROM_HEADER[level]}

    def below(self, scope: Scope, keys: list[int]) -> Mapping[int, list[SeriesShown]]:
        """By row the series that the project shows of it."""
        return {}

    def counted(self, shown: Iterable[SeriesShown]) -> Result:
        """Counts and modalities of what lies below a row."""
        return {}

    def headers_behind(
        self, keys: list[int], below: Mapping[int, list[SeriesShown]], *, wanted: bool
    ) -> Mapping[int, Header]:
        """The header of the first instance that the project shows of each row, where one is wanted."""
        if not wanted:
            return {}
        first = {key: min(series.first_instance for series in shown) for key, shown in below.items()}
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

    def headers_behind(
        self, keys: list[int], below: Mapping[int, list[SeriesShown]], *, wanted: bool
    ) -> Mapping[int, Header]:
        """The instance's own header, if the caller asks for more than the columns hold."""
        return headers_of(keys) if wanted else {}
