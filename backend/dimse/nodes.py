"""The module that speaks a node's language, loaded when a node is first spoken to: most web processes never do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Protocol, cast

from pydicom.dataset import FileDataset

from backend.dimse.models import NodeKind, RemoteNode
from backend.dimse.remote import Delivery, FoundSeries, FoundStudy, Received, SearchKeys, Wanted


class NodeModule(Protocol):
    """What `dimse_node` and `dicomweb_node` both have; every function raises NodeFailed."""

    def echo(self, node: RemoteNode) -> None:
        """Whether the node answers."""

    def find_studies(self, node: RemoteNode, keys: SearchKeys) -> tuple[list[FoundStudy], bool]:
        """Studies that match, and whether there are more."""

    def find_series(self, node: RemoteNode, study: str) -> list[FoundSeries]:
        """The series of a study."""

    def retrieve(self, node: RemoteNode, wanted: Wanted, delivery: Delivery, *, receiving_title: str) -> Received:
        """Bring a study here."""

    def send(self, node: RemoteNode, objects: Sequence[FileDataset]) -> Iterator[str]:
        """Store objects there; why not, for each, or an empty text."""


def module_of(node: RemoteNode) -> NodeModule:
    """The functions for this kind of node."""
    name = "dicomweb_node" if node.kind == NodeKind.DICOMWEB else "dimse_node"
    return cast(NodeModule, import_module(f"backend.dimse.{name}"))
