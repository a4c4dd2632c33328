"""Tests of `accounts.checks`."""

from __future__ import annotations

import pytest
from django.core.checks import run_checks
from pytest_django import Settings


@pytest.mark.parametrize(("backend", "told"), [("console", True), ("smtp", False)])
def test_mail_that_goes_nowhere_is_told_before_deploying(
    settings: Settings, backend: str, told: bool
) -> None:
    settings.EMAIL_BACKEND = f"django.core.mail.backends.{backend}.EmailBackend"
    assert ("accounts.W001" in [each.id for each in run_checks(include_deployment_checks=True)]) is told
    assert "accounts.W001" not in [each.id for each in run_checks()]
