"""The masker alone: no piece of a secret is left, whichever secret, however it is written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import product

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from steprunners.json_types import Json
from steprunners.masking.credentials import MASK
from steprunners.masking.masker import Masker
from tests.security.secrets import CANARIES, Canary, word
from tests.security.spellings import SPELLINGS
from tests.security.sweep import found

_TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=6, max_size=40)
#: Which spellings a text goes through one after the other, in real systems: an echo in JSON, which is then logged …
_OUTER = (
    "json_ascii",
    "json_escaped",
    "url",
    "url_form",
    "html_named",
    "base64_standard",
    "base64_inside_at_1",
)
_INNER = ("json_ascii", "json_escaped", "url", "url_form", "base64_standard", "base64_for_urls")


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("name", CANARIES)
def test_nothing_is_left(name: str, spelling: str) -> None:
    canary = CANARIES[name]
    written = SPELLINGS[spelling](canary.written)
    masker = Masker(canary.texts)
    value: Json = {"body": f"before {written} after", written: [written]}
    places = {
        "text": masker.mask_text(f"before {written} after"),
        "alone": masker.mask_text(written),
        "value": json.dumps(masker.mask(value), ensure_ascii=False),
        "ASCII": json.dumps(masker.mask(value)),
    }
    assert found([canary], places) == []
    assert places["text"].startswith("before ")
    assert places["text"].endswith(" after")


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_nothing_is_left_of_any_of_many(spelling: str) -> None:
    masker = Masker(text for canary in CANARIES.values() for text in canary.texts)
    written: Json = {name: SPELLINGS[spelling](canary.written) for name, canary in CANARIES.items()}
    masked = json.dumps(masker.mask(written))
    assert found(CANARIES.values(), {"value": masked}) == []
    assert set(json.loads(masked)) == set(CANARIES)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_nothing_else_is_masked(spelling: str) -> None:
    innocent: Json = {name: SPELLINGS[spelling](f"innocent {word(40)} {name}") for name in CANARIES}
    masker = Masker(text for canary in CANARIES.values() for text in canary.texts)
    assert masker.mask(innocent) is innocent


@pytest.mark.parametrize(("first", "second"), sorted(product(_INNER, _OUTER)))
def test_one_spelling_inside_another(first: str, second: str) -> None:
    places = dict(_twice_written(first, second))
    assert found(CANARIES.values(), places) == []


def _twice_written(first: str, second: str) -> Iterator[tuple[str, str]]:
    for name, canary in CANARIES.items():
        if name not in ("long", "pem"):  # nothing in them is special, and they take their time
            written = SPELLINGS[second](SPELLINGS[first](canary.written))
            yield name, Masker(canary.texts).mask_text(f"before {written} after")


@given(_TEXTS, st.sampled_from(sorted(SPELLINGS)))
def test_nothing_is_left_of_any_text(text: str, spelling: str) -> None:
    assume(MASK[0] not in text)
    canary = Canary("any", text)
    around = json.dumps({"before": "user:", "password": SPELLINGS[spelling]("123456")})
    assume(not found([canary], {"around": around}))
    masked = Masker(canary.texts).mask_text(SPELLINGS[spelling](text))
    assert found([canary], {spelling: masked}) == []
