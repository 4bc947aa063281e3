"""Bearer tokens."""
from rest_framework.authentication import BaseAuthentication


class BearerTokenAuthentication(BaseAuthentication):
    """Filled in below."""

    def authenticate(self, request):  # type: ignore
        return None
