"""The YAML that a version was written as: comments come back, secrets do not."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Team, User
from flows.documents.document import FlowDocument
from flows.documents.parsing import parse_body
from flows.editing.source_text import keepable, portable_text, text_of, texts_to_compare
from flows.models import Flow
from flows.pages.editor import check_text
from flows.selectors import load_document
from flows.services import create_flow, restore, save_version
from tests.cast import ApiFor, PageFor

SECRET = "s3cret-default"
TEXT = f"""\
# What we sell
name: Orders  # shown in lists
variables:
  - {{name: key, type: string, secret: true, defaultValue: {SECRET}}}  # of the shop
steps:
  # a moment
  - name: wait
    stepType: delay
    meta: {{delayMs: 5}}
"""


def read(team: Team, text: str, flow: Flow | None = None) -> tuple[FlowDocument, str]:
    document = check_text(team, text, flow=flow)
    return document, keepable(text, document)


@pytest.fixture
def saved(team: Team, alice: User) -> Flow:
    document, source = read(team, TEXT)
    return create_flow(team=team, user=alice, document=document, source=source)


def test_comments_come_back_and_secrets_do_not(saved: Flow, team: Team) -> None:
    version = saved.versions.get()

    assert text_of(version) == TEXT.replace(SECRET, "••••••")
    assert check_text(team, text_of(version), flow=saved) == load_document(version)
    assert load_document(version).secret_defaults() == {"key": SECRET}


@pytest.mark.parametrize("comment", [SECRET, "czNjcmV0LWRlZmF1bHQ="])
def test_a_text_with_a_secret_in_a_comment_is_not_kept(team: Team, comment: str) -> None:
    assert read(team, f"{TEXT}# {comment}\n")[1] == ""


def test_a_shared_secret_is_not_kept(team: Team) -> None:
    text = TEXT.replace(f"defaultValue: {SECRET}", f"defaultValue: &s {SECRET}, description: *s")
    assert read(team, text)[1] == ""


def test_what_is_shown_is_saved_as_no_change(saved: Flow, alice: User, team: Team) -> None:
    for quoted in (text_of(saved.versions.get()), TEXT.replace(SECRET, "'••••••'")):
        document, source = read(team, quoted, saved)
        assert source == quoted
    document, source = read(team, text_of(saved.versions.get()), saved)
    assert save_version(flow=saved, user=alice, document=document, source=source).number == 1


def test_another_comment_is_another_version(saved: Flow, alice: User, team: Team) -> None:
    document, source = read(team, text_of(saved.versions.get()).replace("a moment", "a while"), saved)
    version = save_version(flow=saved, user=alice, document=document, source=source)
    assert version.number == 2
    assert "# a while" in text_of(version)
    assert save_version(flow=saved, user=alice, document=document).number == 2

    restored = restore(flow=saved, number=1, user=alice)
    assert (restored.number, "# a moment" in text_of(restored)) == (3, True)


def test_a_version_without_a_text_is_written_anew(alice: User, team: Team) -> None:
    flow = create_flow(team=team, user=alice, document=check_text(team, TEXT))
    text = text_of(flow.versions.get())
    assert "#" not in text
    document, source = read(team, text, flow)
    assert save_version(flow=flow, user=alice, document=document, source=source).number == 1


def test_texts_are_compared_in_one_style(saved: Flow, alice: User, team: Team) -> None:
    document, source = read(team, text_of(saved.versions.get()).replace("a moment", "a while"), saved)
    first, second = (
        saved.versions.get(),
        save_version(flow=saved, user=alice, document=document, source=source),
    )
    before, after = texts_to_compare(first, second)
    assert after == before.replace("a moment", "a while") != before

    second.source = ""
    before, after = texts_to_compare(first, second)
    assert "#" not in before
    assert before == after


def test_an_export_keeps_comments_and_leaves_secrets_out(
    saved: Flow, api: ApiFor, alice: User, team: Team
) -> None:
    other, source = read(team, "--- # marked\nname: Other\nsteps: []\n")
    create_flow(team=team, user=alice, document=other, source=source)
    answer = api(alice).get("/api/v1/flows/export", HTTP_ACCEPT="application/yaml")
    text = answer.content.decode()

    assert "# What we sell" in text
    assert "  - {name: key, type: string, secret: true}  # of the shop" in text
    assert "marked" not in text
    as_json = api(alice).get("/api/v1/flows/export", HTTP_ACCEPT="application/json").json()
    assert [each["name"] for each in as_json] == ["Orders", "Other"]
    again: Any = api(alice).post("/api/v1/flows/import", text, content_type="application/yaml")
    assert [each["name"] for each in again.json()] == ["Orders", "Other"]


def test_a_text_whose_secret_cannot_be_cut_out_is_written_anew(saved: Flow) -> None:
    version = saved.versions.get()
    version.source = version.source.replace("••••••", "&s ••••••") + "description: *s\n"
    assert "#" not in portable_text(version)
    assert "defaultValue" not in portable_text(version)
    assert parse_body(portable_text(version).encode(), "application/yaml")["name"] == "Orders"


def test_the_page_shows_what_was_written(page: PageFor, alice: User, team: Team) -> None:
    browser = page(alice)
    made = browser.post(f"/flows/new?team={team.pk}", TEXT, content_type="application/yaml").json()
    shown = browser.get(made["url"])
    assert shown.context["text"] == TEXT.replace(SECRET, "••••••")
    assert SECRET not in shown.content.decode()
