"""Hypothesis strategies for JSON values and for text that references might stumble over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

if TYPE_CHECKING:
    from steprunners.json_types import Json

#: Text with the characters that the grammars of references, paths, URLs and queries care about.
tricky_text = st.text(
    alphabet=st.one_of(st.sampled_from("${}:-.[]'\"`\\/?#@%&=,() \n\r\0aZ09_*|"), st.characters()),
    max_size=30,
)
scalars: st.SearchStrategy[Json] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    tricky_text,
)
json_values: st.SearchStrategy[Json] = st.recursive(
    scalars,
    lambda children: st.one_of(
        st.lists(children, max_size=4), st.dictionaries(tricky_text, children, max_size=4)
    ),
    max_leaves=12,
)
