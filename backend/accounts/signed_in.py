"""Who is signed in, by two written queries: every request asks, and composing them costs more than running them."""

from __future__ import annotations

from typing import Final

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone

from backend.accounts.compiled_select import CompiledSelect
from backend.accounts.models import User

_SESSION_SQL: Final = f"SELECT session_data FROM {Session._meta.db_table} WHERE session_key = %s AND expire_date > %s"
_USER: Final = CompiledSelect.of_models([User], f"FROM {User._meta.db_table} WHERE id = %s")


class SessionStore(DatabaseSessionStore):
    """Django's sessions in the database, read by a written query."""

    def _get_session_from_db(self) -> Session | None:
        now = connection.ops.adapt_datetimefield_value(timezone.now())
        with connection.cursor() as cursor:
            cursor.execute(_SESSION_SQL, [self.session_key, now])
            row = cursor.fetchone()
        if row is None:
            # As Django does: an unknown or expired key is never taken over for a new session.
            self._session_key = None
            return None
        return Session(session_key=self.session_key or "", session_data=row[0])


class SignedInBackend(AuthenticationBackend):  # type: ignore[misc]  # the package is skipped by mypy
    """allauth's sign-in; whose session it is, is read by a written query."""

    def get_user(self, user_id: int) -> User | None:
        """The user, None where there is none or he may no longer sign in."""
        for (user,) in _USER.instances([user_id]):
            return user if self.user_can_authenticate(user) else None
        return None
