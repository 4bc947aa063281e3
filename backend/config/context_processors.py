"""What every template of the server may use."""

from __future__ import annotations

import re

from django.conf import settings
from django.http import HttpRequest


def front_end_stylesheets(request: HttpRequest) -> dict[str, list[str]]:
    """Addresses of the built front end's stylesheets: its fonts and tokens serve the sign-in pages too."""
    index = settings.FRONTEND_DIST / "index.html"
    if not index.exists():
        return {"front_end_stylesheets": []}
    links = re.findall(r"<link[^>]+rel=\"stylesheet\"[^>]*>", index.read_text())
    return {"front_end_stylesheets": [found[1] for link in links if (found := re.search(r'href="([^"]+)"', link))]}
