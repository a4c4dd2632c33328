"""Hostile addresses, resolvers and servers against every step type that connects: the canary hears nothing."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from steprunners.clients.kafka.cluster.pool import close_clients
from steprunners.deadline import Cancellation, Deadline
from steprunners.errors import StepError
from steprunners.network import NetworkPolicy
from steprunners.network.http_pool import close_connections
from steprunners.registry import runners
from steprunners.runner import ExecutionFacts, StepContext
from tests.hostile.addresses import HOSTILE, METADATA
from tests.hostile.kafka_stub import LyingBroker
from tests.steprunners.target import Exchange, Target

SECONDS = 5.0
#: Codes of steps that ended before anything was sent.
BEFORE_CONNECTING = {"address_refused", "bad_config", "connection_failed", "bad_redirect"}


#: The messages of the steps that failed.
TOLD: list[str] = []


class Canary:
    """Listens on both loopback addresses at one port, on which nobody may ever call."""

    def __init__(self) -> None:
        self._sockets = [socket.create_server(("127.0.0.1", 0), backlog=64)]
        self.port = self._sockets[0].getsockname()[1]
        if socket.has_ipv6:
            self._sockets.append(socket.create_server(("::1", self.port), family=socket.AF_INET6, backlog=64))

    def calls(self) -> int:
        """Return how many connections came; the kernel takes them without our help."""
        count = 0
        for each in self._sockets:
            each.setblocking(False)
            while True:
                try:
                    each.accept()[0].close()
                    count += 1
                except BlockingIOError:
                    break
        return count

    def close(self) -> None:
        for each in self._sockets:
            each.close()


@pytest.fixture
def canary() -> Iterator[Canary]:
    bird = Canary()
    yield bird
    bird.close()
    close_connections()
    close_clients()


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Resolve as the machine does, but never ask a name server."""
    real = socket.getaddrinfo

    def resolve(host: Any, port: Any, *args: Any, **options: Any) -> Any:
        if str(host).rstrip(".").lower() not in ("localhost", "ip6-localhost"):
            options["flags"] = options.get("flags", 0) | socket.AI_NUMERICHOST
        return real(host, port, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def test_the_canary_hears() -> None:
    bird = Canary()
    socket.create_connection(("127.0.0.1", bird.port)).close()
    assert bird.calls() == 1
    bird.close()


def context(policy: NetworkPolicy) -> StepContext[Any]:
    return StepContext(Deadline(SECONDS), Cancellation(), policy, ExecutionFacts("e", 0))


def run(
    step_type: str, meta: dict[str, Any], connection: dict[str, Any] | None, policy: NetworkPolicy
) -> str:
    """Run the step; return the code with which it was refused (`invalid` where no such config can be saved)."""
    runner = runners()[step_type]
    given = context(policy)
    try:
        if connection is not None:
            assert runner.connection_class is not None
            given.connection = runner.connection_class.model_validate(connection)
        runner.run(runner.config_class.model_validate(meta), given)
    except ValidationError:
        return "invalid"
    except StepError as error:
        TOLD.append(error.message)
        return error.code
    return "it ran"


def bare(host: str) -> str:
    return host.removeprefix("[").removesuffix("]")


Attack = Callable[[str, int, NetworkPolicy], str]


def http(host: str, port: int, policy: NetworkPolicy) -> str:
    return run("http", {"url": f"http://{host}:{port}/"}, None, policy)


def http_resource(host: str, port: int, policy: NetworkPolicy) -> str:
    return run("http", {"url": "/", "resourceId": "r"}, {"baseUrl": f"https://{host}:{port}"}, policy)


def token_url(host: str, port: int, policy: NetworkPolicy) -> str:
    auth = {
        "type": "oauth2ClientCredentials",
        "tokenUrl": f"http://{host}:{port}/",
        "clientId": "i",
        "clientSecret": "s",
    }
    return run("http", {"url": "http://192.0.2.7/", "auth": auth}, None, policy)


def database(engine: str) -> Attack:
    def attack(host: str, port: int, policy: NetworkPolicy) -> str:
        server = {"engine": engine, "host": bare(host), "port": port, "tls": "disable"}
        connection = {**server, "database": "d", "user": "u"}
        return run("sql", {"resourceId": "r", "query": "select 1"}, connection, policy)

    return attack


def redis(host: str, port: int, policy: NetworkPolicy) -> str:
    meta = {"resourceId": "r", "operation": "get", "key": "k"}
    return run("redis", meta, {"host": bare(host), "port": port}, policy)


def kafka(step_type: str, **meta: Any) -> Attack:
    def attack(host: str, port: int, policy: NetworkPolicy) -> str:
        servers = {"bootstrapServers": f"{host}:{port}"}
        return run(step_type, {"resourceId": "r", "topic": "t", **meta}, servers, policy)

    return attack


def loki(host: str, port: int, policy: NetworkPolicy) -> str:
    meta = {"resourceId": "r", "labels": {"app": "x"}, "relativeTime": "1m"}
    return run("loki", meta, {"url": f"http://{host}:{port}"}, policy)


def prometheus(host: str, port: int, policy: NetworkPolicy) -> str:
    meta = {"resourceId": "r", "query": "up", "duration1": {"relativeTime": "1m"}}
    return run("prometheus", meta, {"url": f"http://{host}:{port}"}, policy)


ATTACKS: dict[str, Attack] = {
    "http": http,
    "http resource": http_resource,
    "http token": token_url,
    "sql postgresql": database("postgresql"),
    "sql mariadb": database("mariadb"),
    "redis": redis,
    "kafka_publish": kafka("kafka_publish", message="m"),
    "kafka_subscribe": kafka("kafka_subscribe"),
    "loki": loki,
    "prometheus": prometheus,
}


def test_every_step_type_that_connects_is_attacked() -> None:
    connecting = {name.partition(" ")[0] for name in ATTACKS}
    others = {"delay", "condition", "flow"}
    assert {runner.type for runner in runners().values()} == connecting | others
    assert len(HOSTILE) >= 60


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
class TestHostileAddresses:
    def test_none_is_reached(self, canary: Canary, attack: Attack) -> None:
        ends = {host: attack(host, canary.port, NetworkPolicy()) for host in HOSTILE}
        assert canary.calls() == 0
        reached = {host: end for host, end in ends.items() if end not in BEFORE_CONNECTING | {"invalid"}}
        assert not reached

    def test_plain_ones_are_called_refused(self, canary: Canary, attack: Attack) -> None:
        for host in ("127.0.0.1", "localhost", "10.0.0.1", "[::1]"):
            # A kafka address in brackets and all others reach the guard as they are.
            assert attack(host, canary.port, NetworkPolicy()) == "address_refused"
        assert canary.calls() == 0

    def test_metadata_never(self, attack: Attack) -> None:
        everything = NetworkPolicy(allowed=("*", "0.0.0.0/0", "::/0", "169.254.169.254"), deny_private=False)
        ends = {host: attack(host, 9, everything) for host in METADATA}
        assert set(ends.values()) <= {"address_refused", "invalid", "bad_config"}

    def test_a_name_that_changes_its_address(
        self, canary: Canary, attack: Attack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The first answer is allowed (nobody listens there), each later one is the canary's."""
        answers = iter(["127.0.0.9"])
        monkeypatch.setattr(
            socket, "getaddrinfo", lambda _host, port, *_, **__: _answer(next(answers, "127.0.0.1"), port)
        )
        attack("rebind.example", canary.port, NetworkPolicy(allowed=("127.0.0.9",)))
        assert canary.calls() == 0

    def test_a_name_with_an_allowed_and_a_forbidden_address(
        self, canary: Canary, attack: Attack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def both(host: Any, port: Any, *_: Any, **__: Any) -> Any:
            return [*_answer("127.0.0.1", port), *_answer("127.0.0.9", port), *_answer("::1", port)]

        monkeypatch.setattr(socket, "getaddrinfo", both)
        attack("both.example", canary.port, NetworkPolicy(allowed=("127.0.0.9",)))
        assert canary.calls() == 0

    def test_a_private_name_tells_nothing(
        self, canary: Canary, attack: Attack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whatever it resolves to, and whether it does: one code, one message, none of its addresses."""
        ends, told = set(), set()
        for answer in ANSWERS:
            monkeypatch.setattr(socket, "getaddrinfo", _answering(answer))
            TOLD.clear()
            ends.add(attack("vault.internal", canary.port, NetworkPolicy()))
            told.add(TOLD[-1])
            close_clients()
        assert ends == {"address_refused"}
        assert len(told) == 1
        assert not any(place in text for place in SECRET_PLACES for text in told)

    def test_a_public_name_tells_no_private_address(
        self, canary: Canary, attack: Attack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told = set()
        for place in SECRET_PLACES:
            monkeypatch.setattr(socket, "getaddrinfo", _answering([place]))
            TOLD.clear()
            assert attack("vault.example.com", canary.port, NetworkPolicy()) == "address_refused"
            told.add(TOLD[-1])
            close_clients()
        assert len(told) == 1
        assert not any(place in text for place in SECRET_PLACES for text in told)

    def test_no_proxy_of_the_environment(
        self, canary: Canary, attack: Attack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{canary.port}")
        for name, value in (
            ("PGHOSTADDR", "127.0.0.1"),
            ("PGPORT", str(canary.port)),
            ("PGHOST", "localhost"),
        ):
            monkeypatch.setenv(name, value)
        attack("127.0.0.9", 9, NetworkPolicy(allowed=("127.0.0.9",)))
        assert canary.calls() == 0


SECRET_PLACES = ["10.11.12.13", "127.0.0.1", "169.254.169.254", "fd00::77", "192.0.2.9"]

#: Of a name server, to whoever asks for a private name.
ANSWERS: list[list[str] | int] = [
    *([each] for each in SECRET_PLACES),
    SECRET_PLACES,
    socket.EAI_NONAME,
    socket.EAI_NODATA,
    socket.EAI_AGAIN,
]


def _answering(answer: list[str] | int) -> Callable[..., Any]:
    def resolve(host: Any, port: Any, *_: Any, **__: Any) -> Any:
        if isinstance(answer, int):
            raise socket.gaierror(answer, "no answer")
        return [each for address in answer for each in _answer(address, port)]

    return resolve


def _answer(address: str, port: Any) -> list[Any]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return [(family, socket.SOCK_STREAM, 6, "", (address, port))]


REDIRECTING = {name: ATTACKS[name] for name in ("http", "loki", "prometheus")}


@pytest.mark.parametrize("attack", REDIRECTING.values(), ids=REDIRECTING)
def test_redirects_to_hostile_addresses(canary: Canary, attack: Attack) -> None:
    ends: dict[str, str] = {}
    with Target() as target:
        policy = NetworkPolicy(allowed=(f"127.0.0.1:{target.port}",))
        places = [f"http://{host}:{canary.port}/" for host in HOSTILE]
        places += [
            "file:///etc/passwd",
            "gopher://127.0.0.1/",
            "ftp://127.0.0.1/",
            "unix:/run/x.sock",
            "//127.0.0.1:9",
        ]

        class Redirects(dict[str, Any]):
            def get(self, path: str, default: Any = None) -> Any:
                return lambda exchange: exchange.reply(302, headers=[("Location", place)])

        target.routes = Redirects()
        for place in [each for each in places if each.isascii()]:
            ends[place] = attack("127.0.0.1", target.port, policy)
    assert canary.calls() == 0
    # A few are taken for a path of the redirecting server itself.
    assert set(ends.values()) <= BEFORE_CONNECTING | {"too_many_redirects"}
    assert len(ends) >= 60


def test_a_token_url_that_redirects(canary: Canary) -> None:
    def away(exchange: Exchange) -> None:
        exchange.reply(307, headers=[("Location", f"http://127.0.0.1:{canary.port}/token")])

    with Target() as target:
        target.routes["/"] = away
        end = token_url("127.0.0.1", target.port, NetworkPolicy(allowed=(f"127.0.0.1:{target.port}",)))
    assert end != "it ran"
    assert canary.calls() == 0


@pytest.mark.parametrize("attack", REDIRECTING.values(), ids=REDIRECTING)
def test_a_redirect_to_a_private_name_tells_nothing(attack: Attack, monkeypatch: pytest.MonkeyPatch) -> None:
    told = set()
    with Target() as target:
        policy = NetworkPolicy(allowed=(f"127.0.0.1:{target.port}",))

        class Redirects(dict[str, Any]):
            def get(self, path: str, default: Any = None) -> Any:
                return lambda exchange: exchange.reply(302, headers=[("Location", "http://vault.internal/")])

        target.routes = Redirects()
        for answer in ANSWERS:
            monkeypatch.setattr(socket, "getaddrinfo", _answering(answer))
            assert attack("127.0.0.1", target.port, policy) == "address_refused"
            told.add(TOLD[-1])
    assert len(told) == 1


@pytest.mark.parametrize("step_type", ["kafka_publish", "kafka_subscribe"])
def test_an_advertised_private_name_tells_nothing(step_type: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told = set()
    with LyingBroker("vault.internal", 9092) as broker:
        policy = NetworkPolicy(allowed=(broker.address,))
        meta = {"message": "m"} if step_type == "kafka_publish" else {}
        for answer in ANSWERS:
            monkeypatch.setattr(socket, "getaddrinfo", _answering(answer))
            end = kafka(step_type, **meta)("127.0.0.1", broker.server_address[1], policy)
            assert end == "address_refused"
            told.add(TOLD[-1])
            close_clients()
    assert len(told) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "0.0.0.0", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("step_type", ["kafka_publish", "kafka_subscribe"])
def test_an_advertised_broker(canary: Canary, step_type: str, host: str) -> None:
    with LyingBroker(host, canary.port) as broker:
        policy = NetworkPolicy(allowed=(broker.address,))
        meta = {"message": "m"} if step_type == "kafka_publish" else {}
        end = kafka(step_type, **meta)("127.0.0.1", broker.server_address[1], policy)
        assert broker.asked  # so it was believed
    assert end == "address_refused"
    assert canary.calls() == 0


SOCKETS = [
    "unix:///run/postgresql",
    "/var/run/postgresql",
    "/run",
    "@abstract",
    "file:///etc/passwd",
    "unix:/run/x.sock",
]


@pytest.mark.parametrize("place", SOCKETS)
def test_no_sockets_and_files(place: str) -> None:
    policy = NetworkPolicy(deny_private=False)
    ends = {name: attack(place, 5432, policy) for name, attack in ATTACKS.items()}
    ends["url"] = run("http", {"url": place}, None, policy)
    assert set(ends.values()) <= {"invalid", "bad_config", "connection_failed"}


@pytest.mark.parametrize(
    ("step_type", "connection"),
    [
        ("kafka_publish", {"bootstrapServers": "h:1", "options": {"sslCafile": "/etc/passwd"}}),
        ("kafka_publish", {"bootstrapServers": "h:1", "options": {"socketOptions": []}}),
        ("kafka_publish", {"bootstrapServers": "h:1", "options": {"proxyUrl": "socks5://127.0.0.1"}}),
        ("sql", {"engine": "postgresql", "host": "h", "database": "d", "user": "u", "options": "-c x=y"}),
        ("sql", {"engine": "postgresql", "host": "h", "database": "d", "user": "u", "dsn": "host=127.0.0.1"}),
        ("sql", {"engine": "mysql", "host": "h", "database": "d", "user": "u", "localInfile": True}),
        ("sql", {"engine": "mysql", "host": "h", "database": "d", "user": "u", "unixSocket": "/run/x"}),
        ("sql", {"engine": "postgresql", "host": "h hostaddr=127.0.0.1", "database": "d", "user": "u"}),
        ("redis", {"host": "h", "path": "/run/redis.sock"}),
        ("redis", {"url": "unix:///run/redis.sock"}),
    ],
)
def test_no_options_of_drivers(step_type: str, connection: dict[str, Any]) -> None:
    assert run(step_type, {"resourceId": "r"}, connection, NetworkPolicy()) == "invalid"


@pytest.mark.parametrize(
    "database_name", ["host=127.0.0.1 port={port}", "postgresql://127.0.0.1:{port}/x", "d hostaddr=127.0.0.1"]
)
def test_a_database_name_is_no_connection_string(canary: Canary, database_name: str) -> None:
    connection = {
        "engine": "postgresql", "host": "127.0.0.9", "port": 9, "user": "u",
        "database": database_name.format(port=canary.port),
    }  # fmt: skip
    policy = NetworkPolicy(allowed=("127.0.0.9",))
    assert run("sql", {"resourceId": "r", "query": "select 1"}, connection, policy) == "connection_failed"
    assert canary.calls() == 0
