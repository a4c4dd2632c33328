#!/bin/sh
# Makes .venv-canary with the newest versions that pyproject.toml allows, whatever requirements*.txt pin; says which differ.
set -eu
cd "$(dirname "$0")/.."
uv=.venv/bin/uv

"$uv" venv --quiet --clear --python .venv/bin/python .venv-canary
"$uv" pip install --quiet --refresh --resolution highest --python .venv-canary/bin/python \
    -r pyproject.toml --all-extras --group dev

installed=$(mktemp)
trap 'rm -f "$installed"' EXIT
"$uv" pip freeze --quiet --python .venv-canary/bin/python >"$installed"
echo "Pinned, and newest allowed:"
# A package may have several pins, one for each Python.
awk -F'==' '
    { sub(/ *;.*/, ""); name = tolower($1) }
    /^[A-Za-z0-9]/ && FILENAME == "requirements-dev.txt" { pins[name] = pins[name] " " $2; exact[name, $2]; next }
    /==/ && !((name, $2) in exact) { print "  " name (pins[name] ? pins[name] : " (not pinned)") " -> " $2; different++ }
    END { if (!different) print "  no difference" }
' requirements-dev.txt "$installed"
