"""The embedded stack, started for real: what it promises to who starts it."""

import asyncio
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import nats
import psycopg
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from minio import Minio
from minio.error import S3Error
from nats.js.api import StorageType

from pytest_sr.stack.accounts import without_root
from pytest_sr.stack.binaries import resolve_all
from pytest_sr.stack.client import StackProcess
from pytest_sr.stack.errors import SupervisorError
from pytest_sr.stack.issuer import ROLES_CLAIM
from pytest_sr.stack.owner import Home, read_owner
from pytest_sr.stack.ports import LOOPBACK, PortBook, weed_sockets
from pytest_sr.stack.processes import identity
from pytest_sr.stack.stopping import StopRequest
from pytest_sr.stack.supervisor import Stack

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="reads processes and sockets from /proc"
)

FAMILIAR_PORTS = (5432, 4222, 9000)
LOOPBACK_ADDRESSES = {"0100007F"}


@pytest.fixture(scope="module")
def base():
    """A directory for stacks that also the user of Postgres may enter."""
    path = Path(tempfile.mkdtemp())
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def progress():
    return []


@pytest.fixture(scope="module")
def familiar_ports_taken():
    """Somebody listens at the ports at which such services usually are."""
    with ExitStack() as servers:
        for port in FAMILIAR_PORTS:
            with suppress(OSError):  # then somebody else is there already
                servers.enter_context(socket.create_server((LOOPBACK, port)))
        yield


@pytest.fixture(scope="module")
def process(base):
    """The supervisor of the stack that all tests share."""
    with StackProcess(directory=base) as process:
        yield process


@pytest.fixture(scope="module")
def stack(process, progress, familiar_ports_taken):  # noqa: ARG001 - taken meanwhile
    """A stack that all tests share; none of them stops a part of it."""
    return process.start(progress.append)


@pytest.fixture
def start(base):
    """Start another stack, on which a test may do anything."""
    with ExitStack() as processes:

        def start(progress=lambda _: None):
            process = processes.enter_context(StackProcess(directory=base))
            return process, process.start(progress)

        yield start


class TestReady:
    """Addresses are given when every service has done real work."""

    def test_each_service_says_so_with_version_time_process_and_user(
        self, stack, progress
    ):
        for service in ("postgres", "nats", "s3"):
            label = f"{service} {re.escape(stack.versions[service])}"
            line = rf"{label} ready in \d+\.\d s \(pid \d+, user \w+\)"
            assert any(re.fullmatch(line, each) for each in progress), progress

    def test_familiar_ports_do_not_matter(self, stack):
        assert stack.postgres.port not in FAMILIAR_PORTS

    def test_it_speaks_of_another_user_only_if_there_is_one(self, stack, progress):
        account = without_root()
        said = f"postgres does not run as root: it runs as the user {account.name}"

        assert (said in progress) == account.is_other
        assert owner_of(pids_of(stack)["postgres"]) == account.uid

    def test_no_scratch_is_left(self, stack):
        assert [each.name for each in s3(stack, stack.s3.admin).list_buckets()] == []
        assert jetstream_page(stack)["streams"] == 0

    def test_secrets_are_for_their_owner_only(self, stack):
        for path in Path(stack.directory).iterdir():
            assert path.stat().st_mode & 0o077 == 0, path


class TestLoopback:
    def test_nothing_listens_beyond_it(self, stack):
        listening = listening_addresses(all_pids_of(stack))

        assert set(listening) == LOOPBACK_ADDRESSES
        assert len(listening) >= 1 + 2 + 10 + 1 + 1  # of each service, in all

    def test_a_stranger_is_not_let_into_postgres(self, stack):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(
                host=LOOPBACK,
                port=stack.postgres.port,
                user=stack.postgres.user,
                dbname="postgres",
            )

    def test_nor_with_a_wrong_password(self, stack):
        with pytest.raises(psycopg.OperationalError, match="authentication failed"):
            psycopg.connect(
                stack.postgres.dsn("postgres").replace(stack.postgres.password, "wrong")
            )

    def test_nor_into_nats(self, stack):
        port = int(stack.nats.url.rpartition(":")[2])
        with (
            socket.create_connection((LOOPBACK, port), timeout=5) as connection,
            connection.makefile("rwb") as wire,
        ):
            greeting = wire.readline()
            wire.write(b"CONNECT {}\r\nPING\r\n")
            wire.flush()
            answer = wire.readline()

        assert b'"auth_required":true' in greeting
        assert answer == b"-ERR 'Authorization Violation'\r\n"

    def test_nor_into_the_object_store(self, stack):
        answer = httpx.get(f"http://{stack.s3.endpoint}/", trust_env=False)

        assert answer.status_code == 403

    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
    def test_nor_through_its_back_door(self, stack, method):
        url = f"http://{LOOPBACK}:{weed_port(stack, 'filer')}/buckets/b/key"

        answer = httpx.request(method, url, trust_env=False)

        assert answer.status_code == 401


class TestServices:
    """What the platform relies on is so, and not only configured."""

    @pytest.mark.parametrize(
        ("setting", "value"),
        [
            ("fsync", "on"),
            ("data_checksums", "on"),
            ("full_page_writes", "on"),
            ("max_connections", "200"),
            ("listen_addresses", LOOPBACK),
            ("unix_socket_directories", ""),
            ("password_encryption", "scram-sha-256"),
            ("TimeZone", "UTC"),
        ],
    )
    def test_postgres_is_set(self, stack, setting, value):
        with psycopg.connect(stack.postgres.dsn("postgres")) as connection:
            row = connection.execute("SELECT current_setting(%s)", [setting]).fetchone()

        assert row == (value,)

    def test_nats_keeps_messages_in_files_and_syncs_each(self, stack):
        config = jetstream_page(stack)["config"]

        assert config["store_dir"].startswith(stack.directory)
        assert config["sync_always"] is True

    def test_a_stream_is_on_file_unless_told_otherwise(self, stack):
        async def storage():
            connection = await nats.connect(
                stack.nats.url, user=stack.nats.user, password=stack.nats.password
            )
            async with connection:
                jetstream = connection.jetstream()
                stream = await jetstream.add_stream(name="s", subjects=["s"])
                await jetstream.delete_stream("s")
            return stream.config.storage

        assert asyncio.run(storage()) == StorageType.FILE

    def test_the_app_reads_and_writes_and_makes_no_bucket(self, stack):
        admin, app = s3(stack, stack.s3.admin), s3(stack, stack.s3.app)
        admin.make_bucket("evidence")

        app.put_object("evidence", "key", io.BytesIO(b"bytes"), 5)

        with app.get_object("evidence", "key") as read:
            assert read.data == b"bytes"
        for refused in (
            lambda: app.make_bucket("mine"),
            lambda: app.remove_bucket("evidence"),
        ):
            with pytest.raises(S3Error, match="AccessDenied"):
                refused()
        app.remove_object("evidence", "key")
        admin.remove_bucket("evidence")

    def test_the_keepers_folder_for_keys_is_there(self, stack):
        infisical = stack.infisical
        with httpx.Client(base_url=infisical.url, trust_env=False) as client:
            login = client.post(
                "/api/v1/auth/universal-auth/login",
                json={
                    "clientId": infisical.client_id,
                    "clientSecret": infisical.client_secret,
                },
            ).json()
            answer = client.get(
                "/api/v4/secrets",
                headers={"Authorization": f"Bearer {login['accessToken']}"},
                params={
                    "projectId": infisical.project_id,
                    "environment": infisical.environment,
                    "secretPath": "/solver-ralph/kek",
                },
            )

        assert answer.json() == {"secrets": [], "imports": []}

    @pytest.mark.parametrize(
        ("client_id", "roles"),
        [("sr-system", {"system"}), ("sr-agent", {"agent"}), ("sr-roleless", None)],
    )
    def test_machines_have_their_roles(self, stack, client_id, roles):
        client = stack.issuer.client(client_id)

        claims = claims_for(
            stack,
            grant_type="client_credentials",
            client_id=client_id,
            client_secret=client.client_secret,
        )

        assert claims["sub"] == client.subject
        assert claims.get(ROLES_CLAIM, {}).keys() == (roles or set())

    @pytest.mark.parametrize("name", ["alice", "bob", "mallory"])
    def test_people_have_theirs(self, stack, name):
        person = stack.issuer.person(name)

        claims = claims_for(
            stack,
            grant_type="password",
            client_id="sr-human",
            username=name,
            password=person.password,
        )

        assert tuple(claims.get(ROLES_CLAIM, {})) == person.roles
        assert claims["amr"] == ["pwd"]


@pytest.fixture(scope="module")
def closed(stack, base):
    """What was a second stack, closed while the first ran on."""
    process = StackProcess(directory=base)
    addresses = process.start(lambda _: None)
    assert addresses.directory != stack.directory
    left = Left(addresses)
    began = time.monotonic()
    process.close()
    left.closed_after_s = time.monotonic() - began
    process.close()  # again does nothing
    return left


class TestEnd:
    """However a stack ends, nothing is left of it."""

    def test_closing_ends_all_processes(self, closed):
        assert not closed.living()

    def test_it_removes_the_directory_and_what_is_elsewhere(self, closed):
        assert not closed.directory.exists()
        assert not closed.sockets()

    def test_it_is_quick(self, closed):
        assert closed.closed_after_s < 10  # 1.4 where nothing else runs

    @pytest.mark.usefixtures("closed")
    def test_another_stack_is_not_disturbed(self, stack):
        assert all(each.lives() for each in identities_of(stack))
        with psycopg.connect(stack.postgres.dsn("postgres")) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)

    def test_a_killed_supervisor_takes_all_with_it_and_is_swept(self, start):
        process, stack = start()
        left = Left(stack)

        with busy_postgres(stack):
            os.kill(process.pid, signal.SIGKILL)
            eventually(lambda: not left.living(), within_s=10)
        assert left.directory.exists()
        said: list[str] = []
        start(said.append)

        assert not left.directory.exists()
        assert not left.sockets()
        assert f"swept {left.directory}, whose supervisor is dead" in said

    def test_a_signal_stops_it_as_well(self, base):
        supervisor = a_supervisor(base)
        stack = json.loads(supervisor.stdout.readline())

        supervisor.terminate()

        assert supervisor.wait(10) == 0
        assert not Path(stack["directory"]).exists()
        close_pipes(supervisor)

    def test_a_parent_that_goes_during_the_start_stops_it(self, base):
        before = set(base.iterdir())
        supervisor = a_supervisor(base, stderr=subprocess.PIPE)
        eventually(lambda: set(base.iterdir()) - before, within_s=10)

        supervisor.stdin.close()

        assert supervisor.wait(15) == 0
        assert supervisor.stdout.read() == ""
        assert set(base.iterdir()) == before
        close_pipes(supervisor)


class TestCannotStart:
    """What does not start is named with what it said, and nothing is left behind."""

    @pytest.fixture(autouse=True)
    def base(self):
        with tempfile.TemporaryDirectory() as name:
            path = Path(name)
            path.chmod(0o711)
            yield path
            assert list(path.iterdir()) == []
            assert not processes_below(path)

    @pytest.fixture
    def broken_nats(self, tmp_path, monkeypatch):
        program = tmp_path / "nats-server"
        program.write_text(
            "#!/bin/sh\n"
            'if [ "$1" = --version ]; then echo "nats-server: v2.0.0"; exit; fi\n'
            "for n in $(seq 30); do echo line $n; done; exit 3\n"
        )
        program.chmod(0o755)
        monkeypatch.setenv("SR_NATS_SERVER", str(program))

    def test_a_program_that_is_none_is_named(self, base, monkeypatch):
        monkeypatch.setenv("SR_NATS_SERVER", "/bin/false")

        finished = run_supervisor(base)

        assert (finished.returncode, finished.stdout) == (2, "")
        assert "nats: " in finished.stderr
        assert "SR_NATS_SERVER" in finished.stderr

    @pytest.mark.usefixtures("broken_nats")
    def test_a_server_that_ends_at_once_is_quoted(self, base):
        finished = run_supervisor(base)

        assert (finished.returncode, finished.stdout) == (2, "")
        assert "nats 2.0.0 ended with status 3 during its start" in finished.stderr
        assert "log ends as follows.\nline 11\n" in finished.stderr
        assert finished.stderr.endswith("line 30\n")

    def test_the_parent_is_told_the_same(self, base, monkeypatch):
        monkeypatch.setenv("SR_NATS_SERVER", "/bin/false")
        process = StackProcess(directory=base)

        with pytest.raises(SupervisorError, match="status 2 and said:") as error:
            process.start(lambda _: None)

        assert "SR_NATS_SERVER" in str(error.value)
        assert process.pid is None

    def test_a_directory_that_is_none_is_named(self, base):
        finished = run_supervisor(base / "missing")

        assert finished.returncode == 2
        assert f"no directory can be made in {base / 'missing'}" in finished.stderr


class HastyPorts(PortBook):
    """Gives out first a port that somebody takes before the server does."""

    def __init__(self, *, taken):
        super().__init__()
        self._taken = list(taken)

    def take(self, **how):
        return self._taken.pop() if self._taken else super().take(**how)


class NobodyAsks(StopRequest):
    """Never asks to stop, and listens to no signal."""

    def __init__(self):
        """Listen to nobody."""

    def is_made(self, *, wait_s: float = 0.0) -> bool:
        del wait_s
        return False


def test_a_port_that_is_lost_to_another_program_is_replaced(base):
    said: list[str] = []
    with ExitStack() as cleanup:
        taken = [
            cleanup.enter_context(socket.create_server((LOOPBACK, 0))) for _ in range(2)
        ]
        account = without_root()
        home = Home(base, open_to_others=account.is_other)
        cleanup.callback(home.remove)
        ports = HastyPorts(taken=[each.getsockname()[1] for each in taken])
        stack = Stack(resolve_all(), home, account, ports=ports, say=said.append)
        cleanup.callback(stack.stop, say=said.append)

        stack.start(deadline_s=30, stop=NobodyAsks(), say=said.append)

        again = [each for each in said if "took a port" in each]
        assert {each.split(":")[0] for each in again} == {"postgres", "s3"}
        assert stack.addresses().postgres.port != taken[1].getsockname()[1]


# What the tests above look at


class Left:
    """What a stack could leave behind."""

    def __init__(self, stack):
        self.directory = Path(stack.directory)
        self.closed_after_s = None
        self._processes = identities_of(stack)
        owner = read_owner(self.directory)
        assert owner is not None
        self._grpc_ports = owner.weed_grpc_ports

    def living(self):
        return [each for each in self._processes if each.lives()]

    def sockets(self):
        return [path for port in self._grpc_ports for path in weed_sockets(port)]


def eventually(holds, *, within_s):
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, f"not within {within_s} s"
        time.sleep(0.02)


def a_supervisor(base, *, stderr=subprocess.DEVNULL):
    return subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", "pytest_sr.stack", "--directory", str(base)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        start_new_session=True,
    )


def run_supervisor(base):
    """Run a supervisor that is not expected to become ready, and return its end."""
    supervisor = a_supervisor(base, stderr=subprocess.PIPE)
    said = supervisor.stderr.read()
    told = supervisor.stdout.read()
    supervisor.wait(30)
    close_pipes(supervisor)
    return subprocess.CompletedProcess([], supervisor.returncode, told, said)


def close_pipes(process):
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


def pids_of(stack):
    owner = read_owner(Path(stack.directory))
    assert owner is not None
    return {name: each.pid for name, each in owner.children.items()}


def all_pids_of(stack):
    """Return the services' processes, and those that they have started."""
    found = set(pids_of(stack).values())
    parents = {pid: parent_of(pid) for pid in every_pid()}
    grown = True
    while grown:
        below = {pid for pid, parent in parents.items() if parent in found}
        grown = not below <= found
        found |= below
    return found


def identities_of(stack):
    return [identity(pid) for pid in all_pids_of(stack)]


def every_pid():
    return [int(each.name) for each in Path("/proc").glob("[0-9]*")]


def parent_of(pid):
    with suppress(OSError):
        stat = Path(f"/proc/{pid}/stat").read_text()
        return int(stat.rpartition(")")[2].split()[1])
    return None


def owner_of(pid):
    return Path(f"/proc/{pid}").stat().st_uid


def processes_below(directory):
    """Return the processes whose own directory lies in `directory`."""
    found = []
    for pid in every_pid():
        with suppress(OSError):
            cwd = Path(f"/proc/{pid}/cwd").readlink()
            if cwd.is_relative_to(directory):
                found.append(cwd)
    return found


def listening_addresses(pids):
    """Return the local addresses, in the kernel's hexadecimal, where `pids` listen."""
    inodes = set()
    for pid in pids:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                inodes.add(str(descriptor.readlink()))
    found = []
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            is_server = fields[3] == "0A" or table.startswith("udp")
            if is_server and f"socket:[{fields[9]}]" in inodes:
                found.append(fields[1].split(":")[0])
    return found


def weed_port(stack, name):
    arguments = Path(f"/proc/{pids_of(stack)['s3']}/cmdline").read_text().split("\0")
    flag = f"-{name}.port="
    return next(each for each in arguments if each.startswith(flag)).removeprefix(flag)


def s3(stack, keys):
    return Minio(
        stack.s3.endpoint,
        access_key=keys.access_key,
        secret_key=keys.secret_key,
        region=stack.s3.region,
        secure=False,
    )


def jetstream_page(stack):
    url = f"{stack.nats.monitor_url}/jsz?config=true"
    return httpx.get(url, trust_env=False).json()


def claims_for(stack, **form):
    with httpx.Client(base_url=stack.issuer.issuer_url, trust_env=False) as client:
        keys = KeySet.import_key_set(client.get("/keys").json())
        token = client.post("/token", data=form).json()["access_token"]
    return jwt.decode(token, keys, algorithms=["ES256"]).claims


@contextmanager
def busy_postgres(stack):
    """Have a query run that would take minutes."""
    connection = psycopg.connect(stack.postgres.dsn("postgres"))

    def run():
        with suppress(psycopg.Error):
            connection.execute("SELECT count(*) FROM generate_series(1, 1e9)")

    thread = threading.Thread(target=run)
    thread.start()
    yield
    thread.join(10)
    connection.close()
