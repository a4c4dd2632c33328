"""compose.yaml: valid, whole, and its commands are commands that there are."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose
from django.core.management import get_commands, load_command_class

from asynctester import process
from asynctester.embedded import commands
from asynctester.embedded.commands import ROOT
from lab import __main__ as lab
from tests.deploy.files import load

COMPOSE = load("compose.yaml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = sorted(name for name, each in SERVICES.items() if each["image"] == "async-testing-service")


def test_it_keeps_to_the_specification() -> None:
    # Written out again, since this parser knows no merge keys of YAML
    assert set(PyCompose.from_yaml(yaml.safe_dump(COMPOSE)).service_names()) == set(SERVICES)


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_what_a_service_waits_for_can_come_true(name: str) -> None:
    for other, wanted in SERVICES[name].get("depends_on", {}).items():
        awaited = SERVICES[other]
        assert set(awaited.get("profiles", [])) <= set(SERVICES[name].get("profiles", []))
        if wanted["condition"] == "service_healthy":
            assert awaited["healthcheck"]["test"]
        if wanted["condition"] == "service_completed_successfully":
            assert awaited["restart"] == "no"


@pytest.mark.parametrize("name", OURS)
def test_our_commands_are_those_of_the_product(name: str) -> None:
    check_command([re.sub(r"\$\{\w+:-(\w+)\}", r"\1", part) for part in SERVICES[name]["command"]])


def check_command(command: list[str]) -> None:
    """Fail unless the arguments are ones that the program takes."""
    program, arguments = command[1:3], command[3:]
    if program == ["-m", "asynctester.process"]:
        found = process.command(arguments, {"HOST": "0.0.0.0", "PORT": "8000"})
        assert found in (commands.web("0.0.0.0", 8000), commands.worker())
    elif program == ["-m", "lab"]:
        options = lab.options_of(arguments)
        assert options.sql
        assert options.kafka
    else:
        assert program[0] == "manage.py"
        wanted = load_command_class(get_commands()[program[1]], program[1])
        wanted.create_parser("manage.py", program[1]).parse_args(arguments)


def test_its_files_are_there() -> None:
    for file in COMPOSE["configs"].values():
        assert load(file["file"])
    assert all(
        name in SERVICES
        for name in re.findall(
            r"targets: \[\"([a-z-]+):", (ROOT / "deploy/compose/prometheus.yml").read_text()
        )
    )


def test_passwords_come_from_outside() -> None:
    given = {
        name: value
        for service in SERVICES.values()
        for name, value in service.get("environment", {}).items()
        if re.search(r"_(PASSWORD|URL|AUTH)$", name) and "RANDOM" not in name and name != "PUBLIC_URL"
    }
    assert len(given) >= 4
    assert {name: value for name, value in given.items() if "PASSWORD:" not in value} == {}


def test_the_image_runs_the_web_server_as_nobody_in_particular() -> None:
    text = (ROOT / "Dockerfile").read_text()
    [command] = re.findall(r"^CMD (.*)$", text, re.MULTILINE)
    assert json.loads(command) == SERVICES["web"]["command"]
    assert re.findall(r"^USER (.*)$", text, re.MULTILINE) == ["10001:10001"]
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert ".*" in ignored  # .env, .git, .data
