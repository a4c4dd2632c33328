"""Template tags that every page has, without a `load` (settings.TEMPLATES)."""

from __future__ import annotations

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from asynctester.version import VERSION

register = template.Library()


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
