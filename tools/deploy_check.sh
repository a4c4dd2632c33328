#!/bin/sh
# Django's own check of settings as production has them (docs/deployment.md), with keys made for the moment.
set -eu
cd "$(dirname "$0")/.."
manage=".venv/bin/python manage.py"
key=$($manage rotate_keys --print-key)
PRODUCTION=true SECRET_KEY="$key$key" SECRETS_KEYS="$key" ALLOWED_HOSTS=tests.example TRUST_X_FORWARDED_PROTO=true \
    EMAIL_URL=smtp+tls://mail.tests.example:587 \
    $manage check --deploy --fail-level WARNING
