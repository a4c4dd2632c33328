"""Template tags that every page has, without a `load` (settings.TEMPLATES)."""

from __future__ import annotations

import time
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from asynctester.version import VERSION
from steprunners.values.json_text import dumps, reads_as_json

register = template.Library()

_NO_MARKUP = str.maketrans({"<": "\\u003C", ">": "\\u003E", "&": "\\u0026"})


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """Show a symbol of static/icons.svg, which screen readers pass over; `css` adds classes.

    In the browser, `icon` of static/js/dom.js makes the same element.
    """
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>',
        f"icon {css}".strip(),
        static("icons.svg"),
        name,
    )


@register.simple_tag
def version() -> str:
    """Return the version of the product."""
    return VERSION


@register.simple_tag
def now_ms() -> int:
    """Return the server's time in ms since the epoch; static/js/time.js counts on from it."""
    return time.time_ns() // 1_000_000


@register.filter
def page_json(value: Any, element_id: str) -> SafeString:
    """Put a value into the page as JSON, with every digit of its numbers, for `jsonFrom` of static/js/dom.js.

    Django's `json_script` has an encoder that rounds. As there, nothing in the text can end the element.
    """
    # No character of the text is markup.
    text = SafeString(dumps(value).translate(_NO_MARKUP))  # nosec B703
    return format_html('<script id="{}" type="application/json">{}</script>', element_id, text)


@register.filter
def as_json(value: Any) -> str:
    """Return a value for reading: as JSON, but text as it stands unless it would read as another value."""
    if isinstance(value, str) and not reads_as_json(value):
        return value
    return dumps(value, ensure_ascii=False)
