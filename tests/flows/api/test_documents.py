"""REST of documents: validate, import, export, step types."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from accounts.models import Team, User
from flows.models import Flow
from tests.cast import ApiFor
from tests.flows.sample_documents import ORDER, flow, get, wait

URL = "/api/v1/flows"


class TestValidate:
    def test_it_works(self, api: ApiFor, vera: User) -> None:
        response = api(vera).post(f"{URL}/validate", ORDER, content_type="application/yaml")

        assert (response.status_code, response.json()) == (200, {"valid": True, "errors": []})
        assert not Flow.objects.exists()

    def test_all_problems_are_told(self, api: ApiFor, vera: User) -> None:
        answer = api(vera).post(f"{URL}/validate", flow(get(url="${nope}"), wait("get"))).json()

        assert answer["valid"] is False
        assert [(each["attr"], each["code"]) for each in answer["errors"]] == [
            ("steps.0.meta.url", "unknown_reference"),
            ("steps.1.name", "duplicate_name"),
        ]
        assert all(each["detail"] for each in answer["errors"])

    @pytest.mark.parametrize(("body", "place"), [("a: [", None), ("5", None), ("name: x", "steps")])
    def test_what_is_no_flow_is_not_valid(
        self, api: ApiFor, vera: User, body: str, place: str | None
    ) -> None:
        response = api(vera).post(f"{URL}/validate", body, content_type="application/yaml")

        assert response.status_code == 200
        assert [each["attr"] for each in response.json()["errors"]] == [place]

    def test_a_saved_flow_knows_its_secrets(self, api: ApiFor, alice: User) -> None:
        variable = {"name": "key", "secret": True, "defaultValue": "hunter2"}
        saved = api(alice).post(URL, flow(wait(), variables=[variable])).json()

        assert api(alice).post(f"{URL}/validate", saved).json()["valid"] is True
        assert api(alice).post(f"{URL}/validate", {**saved, "id": None}).json()["valid"] is False

    def test_strangers_names_are_not_known(self, api: ApiFor, alice: User, charlie: User, team: Team) -> None:
        assert api(charlie).post(f"{URL}/validate", flow(wait(), teamId=str(team.pk))).status_code == 400


class TestImportAndExport:
    def test_what_was_exported_can_be_imported(self, api: ApiFor, alice: User, charlie: User) -> None:
        for name in ("One", "Two"):
            variable = {"name": "key", "secret": True, "defaultValue": "hunter2"}
            api(alice).post(URL, flow(wait(), name=name, variables=[variable]))
        ids = ",".join(str(pk) for pk in Flow.objects.order_by("-name").values_list("pk", flat=True))

        exported = api(alice).get(f"{URL}/export?ids={ids}")
        imported = api(charlie).post(f"{URL}/import", exported.content, content_type="application/yaml")

        assert exported.headers["Content-Disposition"] == 'attachment; filename="flows.yaml"'
        assert b"hunter2" not in exported.content
        assert imported.status_code == 201, imported.json()
        assert [each["name"] for each in imported.json()] == ["Two", "One"]
        assert api(charlie).get(URL).json()["count"] == 2

    def test_json_lists_too(self, api: ApiFor, alice: User) -> None:
        assert api(alice).post(f"{URL}/import", [flow(wait()), flow(get())]).status_code == 201

        exported = api(alice).get(f"{URL}/export", HTTP_ACCEPT="application/json").json()
        again = api(alice).post(f"{URL}/import", exported)

        assert [each["steps"] for each in again.json()] == [each["steps"] for each in exported]

    def test_all_or_nothing(self, api: ApiFor, alice: User) -> None:
        response = api(alice).post(f"{URL}/import", [flow(wait()), flow(wait("1")), 5])

        assert response.status_code == 400
        assert [each["attr"] for each in response.json()["errors"]] == ["1.steps.0.name", "2"]
        assert not Flow.objects.exists()

    @pytest.mark.parametrize("body", ["[]", "[", json.dumps([flow(wait())] * 201)])
    def test_bad_imports(self, api: ApiFor, alice: User, body: str) -> None:
        assert api(alice).post(f"{URL}/import", body, content_type="application/json").status_code == 400

    def test_a_viewer_may_export_only(self, api: ApiFor, vera: User) -> None:
        assert api(vera).post(f"{URL}/import", [flow(wait())]).status_code == 403
        assert api(vera).get(f"{URL}/export").status_code == 200

    def test_strangers_flows_are_unknown(self, api: ApiFor, alice: User, charlie: User) -> None:
        saved = api(alice).post(URL, flow(wait())).json()

        for ids in (saved["id"], str(uuid.uuid4()), "x", ""):
            assert api(charlie).get(f"{URL}/export?ids={ids}").status_code == 404


def test_step_types(api: ApiFor, vera: User) -> None:
    types: dict[str, Any] = {each["type"]: each for each in api(vera).get("/api/v1/step-types").json()}

    assert {"http", "delay", "condition", "flow"} <= set(types)
    assert types["condition"]["aliases"] == ["if"]
    assert "delayMs" in types["delay"]["configSchema"]["properties"]
    assert types["http"]["resourceType"] == "http"
    assert types["http"]["example"]["stepType"] == "http"
