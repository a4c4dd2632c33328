#!/bin/sh
# Writes requirements.txt and requirements-dev.txt from pyproject.toml; with --check, says whether they are up to date.
# Pins that still fit stay as they are.
set -eu
cd "$(dirname "$0")/.."

compile() { # group options …, file
    file=$1
    shift
    .venv/bin/uv pip compile --quiet --universal --python-version 3.11 pyproject.toml "$@" -o "$file"
}

if [ "${1:-}" != --check ]; then
    compile requirements.txt
    compile requirements-dev.txt --group dev
    exit 0
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cp requirements.txt requirements-dev.txt "$scratch"
if ! { compile "$scratch/requirements.txt" && compile "$scratch/requirements-dev.txt" --group dev; } 2>"$scratch/log"; then
    cat "$scratch/log" >&2
    if grep -qiE 'error sending request|dns error|failed to fetch|network|timed out|connect' "$scratch/log"; then
        echo "requirements: not checked, the package index cannot be reached" >&2
        exit 0
    fi
    exit 1
fi
for file in requirements.txt requirements-dev.txt; do
    if ! diff -u -I '^#' "$file" "$scratch/$file"; then
        echo "$file is not what pyproject.toml asks for: make requirements" >&2
        exit 1
    fi
done
