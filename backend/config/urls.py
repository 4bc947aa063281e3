"""URL root: the API, DICOMweb, login, health, and the single page for everything else."""

from django.urls import path

urlpatterns: list = [path("placeholder/", lambda r: None)]
