#!/bin/sh
# Fails when docs/openapi.yaml, the Python client's types or the front end's are not those of the code.
set -eu
bin="${OVERREAD_BIN:-.venv/bin}"
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
OVERREAD_DATA_DIR="$fresh/data" "$bin/python" manage.py spectacular --file "$fresh/openapi.yaml" --validate --fail-on-warn
diff -u docs/openapi.yaml "$fresh/openapi.yaml" || { echo "docs/openapi.yaml is stale: run \`make schema\`." >&2; exit 1; }
"$bin/python" deploy/client_types.py docs/openapi.yaml "$fresh/schema.py"
diff -u backend/client/schema.py "$fresh/schema.py" || { echo "backend/client/schema.py is stale: run \`make schema\`." >&2; exit 1; }
PATH="$PWD/$bin:$PATH"
(cd frontend && npx openapi-typescript ../docs/openapi.yaml -o "$fresh/api-schema.ts" >/dev/null)
diff -u frontend/src/lib/api-schema.ts "$fresh/api-schema.ts" ||
	{ echo "frontend/src/lib/api-schema.ts is stale: run \`make schema\`." >&2; exit 1; }
