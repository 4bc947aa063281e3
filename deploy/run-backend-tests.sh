#!/bin/sh
# The back end's tests (no browser, no pure arithmetic) on the database and broker that the environment names.
set -u
bin="${OVERREAD_BIN:-.venv/bin}"
set -- "$@" --ignore=tests/journeys --ignore=tests/cnn --ignore=tests/dicom --ignore=tests/geometry --ignore=tests/metrics --ignore=tests/config/test_up.py
failed=0
"$bin/pytest" -n "${OVERREAD_TEST_PROCESSES:-2}" -m "not journey and not queue" "$@" || failed=1
"$bin/pytest" -m "queue and not journey" "$@" || failed=1
exit "$failed"
