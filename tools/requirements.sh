#!/bin/sh
# Writes the requirements files from pyproject.toml. With --check, says whether they are up to date.
# Pins that still fit stay as they are.
#
#   requirements.txt       what production needs, and nothing else
#   requirements-demo.txt  that, and the servers that `make run` starts
#   requirements-dev.txt   all of it, and what the tests and checks need
set -eu
cd "$(dirname "$0")/.."
files="requirements.txt requirements-demo.txt requirements-dev.txt"

compile() { # file, options …
    file=$1
    shift
    .venv/bin/uv pip compile --quiet --universal --python-version 3.11 pyproject.toml "$@" -o "$file"
}

compile_all() { # folder with its slash, or ""
    compile "$1requirements.txt" &&
        compile "$1requirements-demo.txt" --extra demo &&
        compile "$1requirements-dev.txt" --extra demo --group dev
}

if [ "${1:-}" != --check ]; then
    compile_all ""
    exit 0
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# shellcheck disable=SC2086 # a list of names without spaces
cp $files "$scratch"
if ! compile_all "$scratch/" 2>"$scratch/log"; then
    cat "$scratch/log" >&2
    if grep -qiE 'error sending request|dns error|failed to fetch|network|timed out|connect' "$scratch/log"; then
        echo "requirements: not checked, the package index cannot be reached" >&2
        exit 0
    fi
    exit 1
fi
for file in $files; do
    if ! diff -u -I '^#' "$file" "$scratch/$file"; then
        echo "$file is not what pyproject.toml asks for: make requirements" >&2
        exit 1
    fi
done
