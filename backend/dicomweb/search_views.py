"""QIDO-RS: searches for studies, series and instances, whole-project or below a study or a series."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from django.db.models import Count, F, Min, QuerySet
from django.http import HttpResponse
from rest_framework.request import Request

from backend.archive.models import Instance
from backend.dicomweb.attributes import FROM_HEADER, MODALITIES_IN_STUDY, Level, columns_of, element, levels_down_to
from backend.dicomweb.dicomweb_view import REVALIDATE, DicomwebView, NotAcceptable
from backend.dicomweb.media_types import choose_type
from backend.dicomweb.metadata_views import JSON_TYPES
from backend.dicomweb.search import Search, parse_search
from backend.dicomweb.selectors import visible_instances, visible_series, visible_studies
from backend.projects.selectors import in_reading_order

Row = dict[str, Any]
Result = dict[str, Any]


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
        search = parse_search(request.GET, self.level, self.cases)
        rows = self.page(self.candidates(study, series), search)
        results = self.described(rows[: search.limit], search)
        if len(rows) > search.limit:
            search.warnings.append("There are additional results that can be requested.")
        response = (
            HttpResponse(json.dumps(results), content_type=media_type, status=200) if results else HttpResponse(status=204)
        )
        response["Cache-Control"] = REVALIDATE
        if search.warnings:
            response["Warning"] = ", ".join(f'299 {request.get_host()} "{text}"' for text in search.warnings)
        return response

    def candidates(self, study: str | None, series: str | None) -> QuerySet[Any]:
        """Visible rows of this level below the study and series of the path, in a stable order."""
        raise NotImplementedError

    def page(self, candidates: QuerySet[Any], search: Search) -> list[Row]:
        """One page of rows as dictionaries, and one row more if there are further ones."""
        columns = {attribute.tag: F(attribute.path(self.level)) for attribute in columns_of(self.level)}
        wanted = candidates.filter(*search.conditions).values("pk", **{f"t{tag}": path for tag, path in columns.items()})
        return list(wanted[search.offset : search.offset + search.limit + 1])

    def described(self, rows: list[Row], search: Search) -> list[Result]:
        """DICOM JSON of the rows."""
        keys = [row["pk"] for row in rows]
        extra = self.related(keys) if keys else {}
        headers = self.headers_of(keys, search) if keys else {}
        return [self._described(row, extra.get(row["pk"], {}), headers.get(row["pk"], {}), search) for row in rows]

    def _described(self, row: Row, extra: Result, header: Mapping[str, Any], search: Search) -> Result:
        result = _chosen(header, self._header_tags(search), whole=search.include_all and self.level is Level.INSTANCE)
        for attribute in columns_of(self.level):
            result[attribute.tag] = element(attribute.vr, [row[f"t{attribute.tag}"]])
        result["00080056"] = element("CS", ["ONLINE"])
        result["00081190"] = element("UR", [self._retrieve_url(row)])
        return dict(sorted((result | extra).items()))

    def _retrieve_url(self, row: Row) -> str:
        url = f"/studies/{row['t0020000D']}"
        if self.level is not Level.STUDY:
            url += f"/series/{row['t0020000E']}"
        if self.level is Level.INSTANCE:
            url += f"/instances/{row['t00080018']}"
        return self.root + url

    def _header_tags(self, search: Search) -> set[str]:
        known = {attribute.tag for attribute in columns_of(self.level)}
        wanted = (
            {tag for level in levels_down_to(self.level) for tag in FROM_HEADER[level]}
            if self.level is not Level.INSTANCE
            else set()
        )
        return (wanted | search.include) - known

    def related(self, keys: list[int]) -> dict[int, Result]:
        """Counts and modalities of what lies below each row."""
        return {}

    def headers_of(self, keys: list[int], search: Search) -> dict[int, Mapping[str, Any]]:
        """The header of one instance per row, where one is needed."""
        raise NotImplementedError


class SearchStudiesView(SearchView):
    """`/studies`."""

    level = Level.STUDY

    def candidates(self, study: str | None, series: str | None) -> QuerySet[Any]:
        """Studies of the project's cases."""
        return visible_studies(self.cases).filter(archive_id=self.project.archive_id).order_by("pk")

    def related(self, keys: list[int]) -> dict[int, Result]:
        """Modalities and the numbers of series and instances; only what the project shows is counted."""
        found = visible_instances(self.cases).filter(series__study_id__in=keys).order_by()
        rows = found.values_list("series__study_id", "series__modality").annotate(
            Count("series_id", distinct=True), Count("pk")
        )
        sums: dict[int, tuple[set[str], int, int]] = {}
        for study, modality, n_series, n_instances in rows:
            modalities, all_series, all_instances = sums.get(study, (set(), 0, 0))
            sums[study] = modalities | {modality}, all_series + n_series, all_instances + n_instances
        return {
            study: {
                MODALITIES_IN_STUDY: element("CS", sorted(modalities)),
                "00201206": element("IS", [n_series]),
                "00201208": element("IS", [n_instances]),
            }
            for study, (modalities, n_series, n_instances) in sums.items()
        }

    def headers_of(self, keys: list[int], search: Search) -> dict[int, Mapping[str, Any]]:
        """The header of each study's first instance."""
        return _first_headers(visible_instances(self.cases).filter(series__study_id__in=keys), "series__study_id")


class SearchSeriesView(SearchView):
    """`/series` and `/studies/<uid>/series`."""

    level = Level.SERIES

    def candidates(self, study: str | None, series: str | None) -> QuerySet[Any]:
        """Series of the project's cases, of one study if the path names it."""
        found = visible_series(self.cases).filter(study__archive_id=self.project.archive_id)
        return (found.filter(study__study_instance_uid=study) if study else found).order_by("pk")

    def related(self, keys: list[int]) -> dict[int, Result]:
        """The number of instances."""
        found = visible_instances(self.cases).filter(series_id__in=keys).order_by()
        rows = found.values_list("series_id").annotate(Count("pk"))
        return {series: {"00201209": element("IS", [count])} for series, count in rows}

    def headers_of(self, keys: list[int], search: Search) -> dict[int, Mapping[str, Any]]:
        """The header of each series' first instance."""
        return _first_headers(visible_instances(self.cases).filter(series_id__in=keys), "series_id")


class SearchInstancesView(SearchView):
    """`/instances`, `/studies/<uid>/instances` and `…/series/<uid>/instances`."""

    level = Level.INSTANCE

    def candidates(self, study: str | None, series: str | None) -> QuerySet[Any]:
        """Instances of the project's cases, of one study or series if the path names it."""
        found = visible_instances(self.cases).filter(series__study__archive_id=self.project.archive_id)
        if study:
            found = found.filter(series__study__study_instance_uid=study)
        if series:
            found = found.filter(series__series_instance_uid=series)
        ordered = in_reading_order(found)
        return ordered.order_by("series_id", *ordered.query.order_by)

    def headers_of(self, keys: list[int], search: Search) -> dict[int, Mapping[str, Any]]:
        """The instance's own header, if the caller asks for more than the columns hold."""
        if not search.include_all and not self._header_tags(search):
            return {}
        rows = Instance.objects.filter(pk__in=keys).values_list("pk", "dicom_json")
        return {key: json.loads(text) for key, text in rows}


def _first_headers(instances: QuerySet[Instance], group: str) -> dict[int, Mapping[str, Any]]:
    first = instances.order_by().values(group).annotate(first=Min("pk")).values("first")
    rows = Instance.objects.filter(pk__in=first).values_list(group, "dicom_json")
    return {key: json.loads(text) for key, text in rows}


def _chosen(header: Mapping[str, Any], tags: Iterable[str], *, whole: bool) -> Result:
    return dict(header) if whole else {tag: header[tag] for tag in tags if tag in header}
