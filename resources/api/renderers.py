"""JSON answers that hold any text and every digit of a number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import renderers
from rest_framework.utils import encoders

from steprunners.values.json_text import ExactEncoder


class JSONEncoder(ExactEncoder, encoders.JSONEncoder):
    """Writes times, UUIDs and lazy texts as Django REST framework does, and numbers as they were read."""


class JSONRenderer(renderers.JSONRenderer):
    """Writes JSON as UTF-8, and in ASCII with escapes where UTF-8 cannot.

    Answers of tested systems may hold unpaired surrogates: JSON can escape them, UTF-8 cannot encode them.
    """

    encoder_class = JSONEncoder

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the body's bytes."""
        try:
            return super().render(data, accepted_media_type, renderer_context)
        except UnicodeEncodeError:
            return _Ascii().render(data, accepted_media_type, renderer_context)


class _Ascii(JSONRenderer):
    ensure_ascii = True
