"""Secrets are split into portions, so that one more secret compiles little anew."""

from __future__ import annotations

from steprunners.masking.secret_patterns import patterns_of, portions


def sizes(count: int) -> list[int]:
    return [len(portion) for portion in portions(tuple(f"secret-{number}" for number in range(count)))]


def test_portions_are_powers_of_two_and_a_rest() -> None:
    assert sizes(0) == []
    assert sizes(5) == [5]
    assert sizes(21) == [16, 5]
    assert sizes(60) == [32, 16, 8, 4]


def test_one_more_secret_keeps_the_large_portions() -> None:
    secrets = tuple(f"secret-{number}" for number in range(41))
    before, after = list(portions(secrets[:-1])), list(portions(secrets))
    assert before[:2] == after[:2] == [secrets[:32], secrets[32:40]]


def test_patterns_are_compiled_once() -> None:
    assert patterns_of(("kept-secret",)) is patterns_of(("kept-secret",))


def test_no_secret_finds_nothing() -> None:
    nothing = patterns_of(())
    assert nothing.as_text.search(b"anything") is None
    assert nothing.usual.search(b"anything") is None
