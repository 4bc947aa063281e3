"""The suite's own ground."""

from __future__ import annotations

from django.conf import settings

from tests import settings as suite


def test_each_process_of_the_suite_has_settings_and_a_data_folder_of_its_own() -> None:
    # Side processes inherit the environment of the first; one that shared its folder lost its database with it.
    assert settings.SETTINGS_MODULE == "tests.settings"
    assert settings.DATA_DIR == suite.DATA_DIR
