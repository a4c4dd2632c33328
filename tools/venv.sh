#!/bin/sh
# Makes .venv and installs the named requirements file into it. Does nothing where that was done before.
# PYTHON names the interpreter (3.11 or newer).
set -eu
cd "$(dirname "$0")/.."
wanted=$1

say() { printf '%s\n' "$*" >&2; }

installed() { cmp -s "$1" ".venv/.installed-$1"; }

# The files that hold all of "$wanted", itself first.
holders() {
    echo "$wanted"
    case $wanted in requirements.txt) echo requirements-demo.txt ;; esac
    case $wanted in requirements.txt | requirements-demo.txt) echo requirements-dev.txt ;; esac
}

find_python() {
    for candidate in "${PYTHON:-}" python3.11 python3 python3.12 python3.13 python3.14; do
        [ -n "$candidate" ] || continue
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    say "Python 3.11 or newer is needed (Debian: apt-get install python3 python3-venv)."
    exit 1
}

make_venv() {
    python=$(find_python)
    say "Making .venv with $("$python" --version) …"
    if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        "$python" -m venv --clear .venv
    elif command -v virtualenv >/dev/null; then
        virtualenv --quiet --python "$python" .venv
    elif command -v uv >/dev/null; then
        uv venv --quiet --seed --clear --python "$python" .venv
    else
        say "$python cannot make virtual environments: its ensurepip is missing."
        say "On Debian: apt-get install python3-venv — or install virtualenv or uv — and run this again."
        exit 1
    fi
}

# A .venv whose interpreter has gone (an upgrade, a moved folder) is made anew.
.venv/bin/python -m pip --version >/dev/null 2>&1 || make_venv

for file in $(holders); do
    if installed "$file"; then exit 0; fi
done
say "Installing $wanted (the first time takes a minute) …"
.venv/bin/python -m pip install --quiet --no-input --disable-pip-version-check --root-user-action=ignore -r "$wanted"
cp "$wanted" ".venv/.installed-$wanted"
