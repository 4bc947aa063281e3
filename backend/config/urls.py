"""URL root: the API, DICOMweb, login, health, and the single page for everything else."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", include("backend.accounts.urls")),
    path("api/v1/", include("backend.projects.urls")),
    path("api/v1/", include("backend.registry.urls")),
    path("api/v1/", include("backend.readings.urls")),
    path("api/v1/", include("backend.learning.urls")),
    path("api/v1/", include("backend.exchange.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    path("dicom-web/", include("backend.dicomweb.urls")),
    path("accounts/", include("allauth.urls")),
]
