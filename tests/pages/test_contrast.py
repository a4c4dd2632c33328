"""Every pair of text and ground in the design tokens is readable: WCAG 2.2 AA asks for a contrast of 4.5."""

from __future__ import annotations

import re

import pytest
from django.conf import settings

TOKENS = (settings.BASE_DIR / "static/css/tokens.css").read_text()
GROUNDS = ("bg", "surface", "surface-raised", "surface-sunken", "surface-hover", "surface-selected")
TEXTS = ("text", "text-muted", "text-faint", "accent")
TONES = ("ok", "bad", "error", "live", "wait", "idle")
CODE = ("code-key", "code-string", "code-number", "code-literal")
PAIRS = [
    *((text, ground) for text in TEXTS for ground in GROUNDS),
    *(
        (tone, ground)
        for tone in TONES
        for ground in ("surface", "surface-raised", "surface-selected", f"{tone}-soft")
    ),
    *(("text", f"{tone}-soft") for tone in TONES),
    *((code, ground) for code in CODE for ground in ("surface", "surface-sunken")),
    ("text-muted", "idle-soft"),
]


def colour(name: str, scheme: int) -> str:
    """Return a token's colour in the light (0) or dark (1) scheme."""
    found = re.search(rf"--{name}: (?:light-dark\((#\w{{6}}), (#\w{{6}})\)|(#\w{{6}}));", TOKENS)
    assert found is not None, name
    return found[3] or found[1 + scheme]


def luminance(colour: str) -> float:
    """Relative luminance by WCAG 2.2."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_formula_is_right() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_is_readable(text: str, ground: str, scheme: int) -> None:
    assert contrast(colour(text, scheme), colour(ground, scheme)) >= 4.5


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    "ground", ["accent-solid", "accent-solid-hover", "danger-solid", "danger-solid-hover"]
)
def test_buttons_are_readable(ground: str, scheme: int) -> None:
    assert contrast("#ffffff", colour(ground, scheme)) >= 4.5


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    "mark", ["border-strong", "focus", *(f"{tone}-bar" for tone in ("ok", "bad", "error", "live"))]
)
def test_marks_that_carry_meaning_stand_out(mark: str, scheme: int) -> None:
    assert contrast(colour(mark, scheme), colour("surface", scheme)) >= 3
