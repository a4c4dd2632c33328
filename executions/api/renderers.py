"""JSON that can hold any text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer


class AnyTextJSONRenderer(JSONRenderer):
    """Writes JSON as UTF-8, and in ASCII with escapes where UTF-8 cannot.

    Answers of tested systems may hold unpaired surrogates: JSON can escape them, UTF-8 cannot encode them.
    """

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


RENDERERS = [AnyTextJSONRenderer, BrowsableAPIRenderer]
