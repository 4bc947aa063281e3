"""Words of a table in DICOM's terms: what is taken, what is nothing, what is refused without being repeated."""

from __future__ import annotations

import pytest

from backend.dicom.refusal import Refused
from backend.exchange.table_traits import coded_trait


@pytest.mark.parametrize(
    ("trait", "value", "coded"),
    [
        ("age", "58", "058Y"),
        ("age", "058Y", "058Y"),
        ("age", "58y", "058Y"),
        ("age", "58.0", "058Y"),
        ("age", "018M", "018M"),
        ("age", "0", "000Y"),
        ("sex", "Female", "F"),
        ("sex", "m", "M"),
        ("sex", "男", "M"),
        ("sex", "O", "O"),
        ("view", "pa", "PA"),
        ("view", " LL ", "LL"),
        ("view", "MLO", "MLO"),
        ("site", "St.  Mary  North", "St. Mary North"),
        ("scanner", "Alpha One", "Alpha One"),
    ],
)
def test_values_become_terms_of_dicom(trait, value, coded):
    assert coded_trait(trait, value) == coded


@pytest.mark.parametrize("value", ["", " ", "NA", "n/a", "nan", "Unknown", "-", "未知"])
@pytest.mark.parametrize("trait", ["sex", "age", "view", "site", "scanner"])
def test_a_word_for_nothing_states_nothing(trait, value):
    assert coded_trait(trait, value) == ""


@pytest.mark.parametrize(
    ("trait", "value"),
    [
        ("age", "412"), ("age", "58.5"), ("age", "-3"), ("age", "58 years"), ("age", "121Y"), ("age", "1970-01-02"),
        ("sex", "X"), ("sex", "1"), ("view", "lateral"), ("view", "AP_horizontal"), ("view", "Doe John"),
        ("site", "x" * 65), ("scanner", "Alpha\x07"),
    ],
)  # fmt: skip
def test_what_dicom_has_no_term_for_is_refused_and_not_repeated(trait, value):
    with pytest.raises(Refused, match=f"^The table's {trait} was not used: it is no") as refused:
        coded_trait(trait, value)
    assert value not in str(refused.value)
