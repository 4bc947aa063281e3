"""Routes of `dimse`."""

from __future__ import annotations

from django.urls import URLPattern, path

from backend.dimse.views import (
    NodeSeriesView,
    NodeStudiesView,
    NodeTestView,
    NodeView,
    PacsView,
    PullView,
    ReceivingTitleView,
    SendView,
    TransferCancelView,
    TransferListView,
    TransferResumeView,
)

_PACS = "projects/<slug:slug>/pacs/"
_NODE = f"{_PACS}nodes/<uuid:node_id>/"
_TRANSFERS = f"{_PACS}transfers/"

urlpatterns: list[URLPattern] = [
    path(_PACS, PacsView.as_view(), name="pacs"),
    path(f"{_PACS}receiving/", ReceivingTitleView.as_view(), name="pacs-receiving"),
    path(_NODE, NodeView.as_view(), name="node-detail"),
    path(f"{_NODE}test/", NodeTestView.as_view(), name="node-test"),
    path(f"{_NODE}studies/", NodeStudiesView.as_view(), name="node-studies"),
    path(f"{_NODE}series/", NodeSeriesView.as_view(), name="node-series"),
    path(_TRANSFERS, TransferListView.as_view(), name="transfer-list"),
    path(f"{_TRANSFERS}pull/", PullView.as_view(), name="transfer-pull"),
    path(f"{_TRANSFERS}send/", SendView.as_view(), name="transfer-send"),
    path(f"{_TRANSFERS}<uuid:transfer_id>/cancel/", TransferCancelView.as_view(), name="transfer-cancel"),
    path(f"{_TRANSFERS}<uuid:transfer_id>/resume/", TransferResumeView.as_view(), name="transfer-resume"),
]
