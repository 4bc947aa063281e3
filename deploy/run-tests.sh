#!/bin/sh
# The whole suite: what stands alone side by side on the cores, then, one at a time, what starts workers and browsers.
# Both parts run even if the first fails; further arguments go to pytest.
set -u
bin="${OVERREAD_BIN:-.venv/bin}"
failed=0
"$bin/pytest" -n "${OVERREAD_TEST_PROCESSES:-2}" -m "not journey and not queue" "$@" || failed=1
"$bin/pytest" -m "journey or queue" "$@" || failed=1
exit "$failed"
