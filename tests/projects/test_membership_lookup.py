"""The compiled lookup finds what the query it stands for finds, to the last column."""

from __future__ import annotations

from django.forms.models import model_to_dict

from backend.projects.membership_lookup import find_membership
from backend.projects.models import Membership


def columns(row) -> dict:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def test_it_finds_the_same_rows_as_the_model_would(project, reader, django_assert_num_queries):
    expected = Membership.objects.select_related("project__archive").get(user=reader)
    with django_assert_num_queries(1):
        found = find_membership(slug="breast", user_id=reader.pk)
        assert columns(found) == columns(expected)
        assert columns(found.project) == columns(expected.project)
        assert columns(found.project.archive) == columns(expected.project.archive)
    assert model_to_dict(found) == model_to_dict(expected) and not found._state.adding
    found.project.name = "Renamed"
    found.project.save(update_fields=["name"])
    assert Membership.objects.get(user=reader).project.name == "Renamed"


def test_it_finds_nothing_for_whoever_is_no_member(project, outsider, reader):
    assert find_membership(slug="breast", user_id=outsider.pk) is None
    assert find_membership(slug="no-such", user_id=reader.pk) is None
