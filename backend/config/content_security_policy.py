"""The content security policy's header, composed once: the policy is the same for every answer."""

from __future__ import annotations

from functools import cached_property

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from csp.utils import build_policy
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase


class ContentSecurityPolicyMiddleware(CSPMiddleware):  # type: ignore[misc]  # the package is skipped by mypy
    """django-csp's middleware; only an answer with a policy, an exemption or a nonce of its own is composed anew."""

    @cached_property
    def header(self) -> str:
        """The policy of the settings."""
        return str(build_policy())

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Set the header."""
        own = getattr(request, "_csp_nonce", None) is not None or any(name.startswith("_csp") for name in vars(response))
        if own or settings.DEBUG or HEADER in response:
            answered: HttpResponseBase = super().process_response(request, response)
            return answered
        response[HEADER] = self.header
        return response
