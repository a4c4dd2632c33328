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


def test_json_in_a_page_ends_no_element_and_keeps_numbers() -> None:
    page = Template('{{ value|page_json:"data" }}').render(
        Context({"value": {"2": "</script>&", "1": 2**63}})
    )
    text = r'{"2": "\u003C/script\u003E\u0026", "1": 9223372036854775808}'
    assert page == f'<script id="data" type="application/json">{text}</script>'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (["tea", None], '["tea", null]'),
        (False, "false"),
        ("false", '"false"'),
        ("18", '"18"'),
        ("018", "018"),
        ("", '""'),
        ("it's", "it's"),
        (None, "null"),
        ({"é": 1e22}, '{"é": 1e+22}'),
    ],
)
def test_a_value_reads_as_json(value: object, text: str) -> None:
    template = Template("{% autoescape off %}{{ value|as_json }}{% endautoescape %}")
    assert template.render(Context({"value": value})) == text


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
