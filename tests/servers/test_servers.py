"""The servers that Django's settings name are real and ours."""

import os

import pytest
import redis
from django.conf import settings
from django.db import connection
from playwright.sync_api import Page

from accounts.models import User
from tests.servers.stack import LiveStack, Worker


@pytest.mark.django_db
def test_the_database_is_the_one_asked_for(pytestconfig: pytest.Config) -> None:
    assert connection.vendor == pytestconfig.getoption("database")
    User.objects.create_user("somebody@example.com")
    assert User.objects.count() == 1


def test_valkey_answers_and_each_xdist_worker_has_its_own_number() -> None:
    client = redis.Redis.from_url(settings.REDIS_URL)
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    assert client.set("who", worker)
    assert client.get("who") == worker.encode()
    client.delete("who")


def test_data_goes_to_the_temporary_folder() -> None:
    assert settings.DATA_DIR.is_relative_to(os.environ["ASYNCTESTER_TEST_FOLDER"])


def test_a_worker_process_runs_on_the_test_database(worker: Worker) -> None:
    assert worker.process is not None
    assert worker.process.poll() is None


def test_the_live_stack_signs_the_administrator_in(live_stack: LiveStack) -> None:
    assert live_stack.access_token().count(".") == 2


def test_chromium_opens_a_page_of_the_live_stack(chromium_page: Page) -> None:
    answer = chromium_page.goto("/admin/login/")
    assert answer is not None
    assert answer.status == 200
    assert chromium_page.locator("input[type=password]").count() == 1
