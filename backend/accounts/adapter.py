"""allauth's adapter: accounts are made by an administrator, nobody signs up."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class ClosedSignupAdapter(DefaultAccountAdapter):
    """Refuses open sign-up (CVE-2022-36551 of a peer was an open one)."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never."""
        return False
