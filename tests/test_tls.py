"""How a team's server is reached: over TLS where that is required, and by a password kept safe."""

import datetime
import ipaddress
import json
import os
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from bossflow.database import rights
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from team import PASSWORD, Team, deployed, each_server, password_file

RUNNER = f"tls_{os.getpid()}"
SECRET = ("DJ_USER", "DJ_PASS")
MYSQL_TLS = 0x0800  # the bit of its greeting that offers TLS


@pytest.fixture(scope="module", params=each_server())
def team(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Team]:
    yield from request.param(tmp_path_factory)


@pytest.fixture(scope="module")
def schema(team: Team) -> Iterator[str]:
    """Return a deployed schema, whose run-time user is RUNNER."""
    with deployed(team, RUNNER) as name:
        yield name


def certificate(directory: Path) -> tuple[Path, Path]:
    """Return a certificate for 127.0.0.1 that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(1))
        .not_valid_after(now + datetime.timedelta(1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    directory.mkdir()
    paths = directory / "server.pem", directory / "server.key"
    paths[0].write_bytes(made.public_bytes(pem))
    paths[1].write_bytes(secret)
    return paths


@contextmanager
def between(team: Team, tls: ssl.SSLContext | None = None) -> Iterator[Team]:
    """Yield the server behind someone in between, who offers no TLS, or TLS to PostgreSQL alone."""
    given = team.environment
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def upstream() -> socket.socket:
            if given["DJ_HOST"].startswith("/"):
                server = socket.socket(socket.AF_UNIX)
                server.connect(f"{given['DJ_HOST']}/.s.PGSQL.{given['DJ_PORT']}")
                return server
            return socket.create_connection((given["DJ_HOST"], int(given["DJ_PORT"])))

        def serve(client: socket.socket) -> None:
            with suppress(OSError):
                server = upstream()
                if given["DJ_BACKEND"] == "mysql":
                    greeting = bytearray(server.recv(4096))
                    at = greeting.index(0, 5) + 1 + 4 + 8 + 1
                    greeting[at + 1] &= ~(MYSQL_TLS >> 8)
                    client.sendall(greeting)
                elif tls:
                    client.recv(8)  # it asks for TLS first
                    client.sendall(b"S")
                    client = tls.wrap_socket(client, server_side=True)
                relay = threading.Thread(target=carry, args=(server, client), daemon=True)
                relay.start()
                carry(client, server)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    threading.Thread(target=serve, args=(client,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        port = str(listener.getsockname()[1])
        yield replace(team, environment=given | {"DJ_HOST": "127.0.0.1", "DJ_PORT": port})


def carry(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError, ValueError):
        while content := source.recv(65536):
            target.sendall(content)
    for side in (source, target):
        with suppress(OSError):
            side.shutdown(socket.SHUT_RDWR)


def with_tls(team: Team, value: str | None, **more: str) -> Team:
    own = {name: text for name, text in team.environment.items() if name != "DJ_USE_TLS"}
    return replace(team, environment=own | ({"DJ_USE_TLS": value} if value else {}) | more)


def test_a_server_that_offers_no_tls_is_refused_where_it_is_required(
    team: Team, schema: str
) -> None:
    with between(team) as plain:
        code, text = with_tls(plain, None).bossflow("status", schema=schema)
        assert (code, "0 requests" in text) == (0, True), text
        code, text = with_tls(plain, "true").bossflow("status", schema=schema)
        assert code == 1
        assert text.startswith("Error: database ") and "can't be used: " in text, text
        assert len(text.splitlines()) == 1


def test_the_certificate_is_checked_where_its_authority_is_named(
    team: Team, schema: str, tmp_path: Path
) -> None:
    own, key = certificate(tmp_path / "own")
    other, _ = certificate(tmp_path / "other")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own, key)
    is_mysql = team.environment["DJ_BACKEND"] == "mysql"

    def reached(server: Team, authority: Path) -> tuple[int, str]:
        settings = with_tls(server, None, BOSSFLOW_TLS_CA=str(authority))
        return settings.bossflow("status", schema=schema)

    if is_mysql:  # which has a certificate of its own making
        code, text = reached(team, other)
    else:
        with between(team, context) as server:
            assert with_tls(server, "true").bossflow("status", schema=schema)[0] == 0
            assert reached(server, own)[0] == 0
            code, text = reached(server, other)
    assert code == 1
    assert "certificate verify failed" in text
    code, text = reached(team, tmp_path / "nowhere")
    assert (code, text) == (1, f"Error: BOSSFLOW_TLS_CA names no file: {tmp_path}/nowhere\n")


def test_a_user_may_be_let_in_over_tls_only(team: Team, schema: str) -> None:
    file = password_file(team.directory / "password", PASSWORD)
    grant = ["db", "deploy", "--grant", RUNNER, "--password-file", str(file), "--require-tls"]
    code, text = team.bossflow(*grant, schema=schema)
    if team.environment["DJ_BACKEND"] == "postgresql":
        assert code == 1
        assert "write `hostssl` instead of `host` in its pg_hba.conf" in text
        return
    assert code == 0, text
    with between(team) as plain:
        code, text = with_tls(plain, None).bossflow("status", schema=schema, user=RUNNER)
    assert (code, "Access denied" in text) == (1, True), text
    code, text = with_tls(team, "true").bossflow("status", schema=schema, user=RUNNER)
    assert code == 0, text
    (cipher,) = with_tls(team, "true").query("SHOW STATUS LIKE 'Ssl_cipher'", schema=schema)
    assert '"TLS_' in cipher


@pytest.mark.parametrize(
    ("place", "mode"), [(".secrets/database.password", 0o640), ("datajoint.json", 0o604)]
)
def test_a_password_that_others_can_read_is_refused(
    team: Team, schema: str, tmp_path: Path, place: str, mode: int
) -> None:
    settings = {"database.user": RUNNER}
    if place == "datajoint.json":
        settings["database.password"] = PASSWORD
    (tmp_path / "datajoint.json").write_text(json.dumps(settings))
    (tmp_path / ".secrets").mkdir()
    if place != "datajoint.json":
        (tmp_path / place).write_text(PASSWORD)
    own = {name: text for name, text in team.environment.items() if name not in SECRET}
    user = with_tls(Team(own, tmp_path), None if own["DJ_BACKEND"] == "mysql" else "false")
    (tmp_path / place).chmod(mode)
    code, text = user.bossflow("status", schema=schema)
    assert code == 1
    assert f"{place} holds a password and can be read by others (mode {mode:o})" in text
    command = f"chmod 600 {tmp_path}/{place}"
    assert f"`{command}`" in text and PASSWORD not in text
    assert os.system(command) == 0
    code, text = user.bossflow("status", schema=schema)
    assert code == 0, text


def test_a_password_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(PASSWORD)
    file.chmod(0o644)
    with pytest.raises(ValueError, match="holds a password and can be read by others"):
        rights.read_password(file)
