"""Template tags of every page: icons and the version."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template import Context, Template
from django.test import Client
from django.urls import reverse

from asynctester.version import VERSION

TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))
USED = re.compile(r'{% icon "(\w+)"')


def render(text: str, **values: str) -> str:
    return Template(text).render(Context(values))


def test_an_icon_is_a_symbol_of_the_sprite_that_screen_readers_skip() -> None:
    markup = '<svg class="icon" aria-hidden="true"><use href="/static/icons.svg#plus"/></svg>'
    assert render('{% icon "plus" %}') == markup


def test_an_icon_can_have_more_classes() -> None:
    assert '<svg class="icon status-icon" ' in render('{% icon "ok" css="status-icon" %}')


def test_a_name_becomes_no_markup() -> None:
    assert '#&quot;&gt;"/>' in render("{% icon name %}", name='">')


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_name_only_icons_that_exist(path: Path) -> None:
    sprite = (settings.BASE_DIR / "static/icons.svg").read_text()
    symbols = set(re.findall(r'<symbol id="(\w+)"', sprite))
    assert set(USED.findall(path.read_text())) <= symbols


def test_templates_show_icons_by_the_tag_alone() -> None:
    by_hand = [path.name for path in TEMPLATES if "<use" in path.read_text()]
    assert by_hand == []
    assert sum(len(USED.findall(path.read_text())) for path in TEMPLATES) > 40


@pytest.mark.django_db
def test_the_foot_of_a_page_shows_the_version(client: Client) -> None:
    assert f"Async Testing Service {VERSION}</footer>" in client.get(reverse("sign-in")).content.decode()
