"""URL root: the API, DICOMweb, login, health, and the single page for everything else."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from backend.config.health import healthz, readyz
from backend.config.metrics_view import metrics
from backend.config.single_page import no_such_operation, single_page
from backend.projects.me_view import MeView

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/me/", MeView.as_view(), name="me"),
    path("api/v1/", include("backend.accounts.urls")),
    path("api/v1/", include("backend.projects.urls")),
    path("api/v1/", include("backend.webhooks.urls")),
    path("api/v1/", include("backend.registry.urls")),
    path("api/v1/", include("backend.readings.urls")),
    path("api/v1/", include("backend.review.urls")),
    path("api/v1/", include("backend.learning.urls")),
    path("api/v1/", include("backend.inspection.urls")),
    path("api/v1/", include("backend.exchange.urls")),
    path("api/v1/", include("backend.dimse.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    path("dicom-web/", include("backend.dicomweb.urls")),
    path("accounts/", include("backend.accounts.login_urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    re_path(r"^(?:api|dicom-web)/", no_such_operation),
    re_path(r"^(?!static/|accounts/).*$", single_page, name="single-page"),
]
