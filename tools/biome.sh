#!/bin/sh
# Lints static/js with Biome (biome.json), which it installs into tools/javascript/node_modules where needed.
set -eu
cd "$(dirname "$0")/.."
folder=tools/javascript
installed=$folder/node_modules/.installed-package-lock.json

if ! cmp -s "$folder/package-lock.json" "$installed"; then
    if ! command -v npm >/dev/null || ! command -v node >/dev/null; then
        echo "JavaScript not linted: Node.js and npm are missing (Debian: apt-get install nodejs npm)." >&2
        exit 1
    fi
    npm ci --prefix "$folder" --silent --no-audit --no-fund
    cp "$folder/package-lock.json" "$installed"
fi
exec "$folder/node_modules/.bin/biome" lint --error-on-warnings "$@" static/js
