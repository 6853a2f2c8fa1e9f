"""A directory is swept when its supervisor is certainly dead, and in doubt it is not."""

import fcntl
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from pytest_sr.stack.owner import LOCK, NOTE, Home, Owner, creator_of, read_owner
from pytest_sr.stack.processes import (
    Identity,
    boot_id,
    identity,
    pid_namespace,
    started_at,
)
from pytest_sr.stack.sweep import GRACE_S, Signs, is_abandoned, sweep

DEAD = Signs(
    is_locked=False,
    has_note=True,
    supervisor_lives=False,
    creator_lives=False,
    age_s=GRACE_S,
)
NOBODY = Identity(pid=2**22 + 1, started=1)


class TestIsAbandoned:
    def test_one_whose_supervisor_is_dead_is(self):
        assert is_abandoned(DEAD)

    def test_even_right_after_its_death(self):
        assert is_abandoned(replace(DEAD, age_s=0.0))

    def test_one_that_is_locked_is_not(self):
        assert not is_abandoned(replace(DEAD, is_locked=True))

    def test_one_whose_supervisor_lives_is_not(self):
        assert not is_abandoned(replace(DEAD, supervisor_lives=True))

    def test_a_young_one_without_a_note_is_not(self):
        assert not is_abandoned(replace(DEAD, has_note=False, age_s=GRACE_S - 1))

    def test_nor_is_one_whose_creator_lives(self):
        assert not is_abandoned(replace(DEAD, has_note=False, creator_lives=True))

    def test_an_old_one_without_note_and_creator_is(self):
        assert is_abandoned(replace(DEAD, has_note=False))


class TestSweep:
    @pytest.fixture(autouse=True)
    def places(self, tmp_path):
        (tmp_path / "sockets").mkdir()
        (tmp_path / "base").mkdir()

    @pytest.fixture
    def swept(self, tmp_path):
        """Sweep the directories in `tmp_path`; return those that went."""
        base = tmp_path / "base"

        def run():
            before = set(base.iterdir())
            ours = Home(base, open_to_others=False)
            sweep(
                base,
                say=lambda _: None,
                ours=ours.path,
                socket_home=tmp_path / "sockets",
            )
            assert ours.path.is_dir()
            ours.remove()
            return {each.name for each in before if not each.exists()}

        return run

    @pytest.fixture
    def a_directory(self, tmp_path):
        def make(name="00", *, note=None, uid=None, pid=NOBODY.pid):
            uid = os.geteuid() if uid is None else uid
            path = tmp_path / "base" / f"sr-stack-{uid}-{pid}-{name}"
            path.mkdir()
            (path / LOCK).touch()
            if note is not None:
                (path / NOTE).write_text(note.to_json())
            return path

        return make

    def test_the_directory_of_a_dead_one_goes(self, swept, a_directory):
        path = a_directory(note=a_note())

        assert swept() == {path.name}

    def test_that_of_a_living_one_stays(self, swept, a_directory):
        a_directory(note=a_note(supervisor=identity(os.getpid())))

        assert swept() == set()

    def test_a_reused_process_number_is_not_life(self, swept, a_directory):
        later = Identity(pid=os.getpid(), started=1)
        path = a_directory(note=a_note(supervisor=later))

        assert swept() == {path.name}

    def test_a_locked_one_stays(self, swept, a_directory):
        path = a_directory(note=a_note())

        with (path / LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            assert swept() == set()

    def test_one_that_is_being_made_stays(self, swept, a_directory):
        a_directory()

        assert swept() == set()

    def test_an_old_one_that_was_never_finished_goes(self, swept, a_directory):
        path = a_directory()
        os.utime(path, (1, 1))

        assert swept() == {path.name}

    def test_one_with_half_a_note_is_one_without(self, swept, a_directory):
        path = a_directory()
        (path / NOTE).write_text('{"boot": ')

        assert swept() == set()

    @pytest.mark.parametrize("name", ["sr-stack-", "sr-stack-x-1-00", "sr-stacks"])
    def test_what_only_looks_alike_stays(self, swept, tmp_path, name):
        (tmp_path / "base" / name).mkdir()

        assert swept() == set()

    def test_that_of_another_user_stays(self, swept, a_directory):
        a_directory(note=a_note(), uid=os.geteuid() + 1)

        assert swept() == set()

    def test_a_link_is_not_followed(self, swept, tmp_path):
        target = tmp_path / "target"
        target.mkdir()
        name = f"sr-stack-{os.geteuid()}-{NOBODY.pid}-00"
        (tmp_path / "base" / name).symlink_to(target)

        assert swept() == set()

    def test_a_child_that_is_left_is_ended(self, swept, a_directory, a_process):
        a_directory(note=a_note(children={"nats": identity(a_process.pid)}))

        swept()

        assert a_process.wait(5) == -signal.SIGKILL

    def test_a_later_process_of_its_number_is_not(self, swept, a_directory, a_process):
        started = started_at(a_process.pid)
        assert started is not None
        other = Identity(pid=a_process.pid, started=started - 1)
        a_directory(note=a_note(children={"nats": other}))

        swept()

        assert a_process.poll() is None

    @pytest.mark.parametrize("elsewhere", ["boot", "namespace"])
    def test_a_note_from_elsewhere_ends_nobody(
        self, swept, a_directory, a_process, elsewhere
    ):
        note = a_note(children={"nats": identity(a_process.pid)})
        path = a_directory(note=replace(note, **{elsewhere: "another"}))

        assert swept() == {path.name}
        assert a_process.poll() is None

    def test_weeds_sockets_go_with_it(self, swept, a_directory, tmp_path):
        a_directory(note=a_note(weed_grpc_ports=(17000,)))
        ours = tmp_path / "sockets" / "seaweedfs-s3-grpc-17000.sock"
        other = tmp_path / "sockets" / "seaweedfs-s3-grpc-17001.sock"
        ours.touch()
        other.touch()

        swept()

        assert (ours.exists(), other.exists()) == (False, True)

    @pytest.fixture
    def a_process(self):
        with subprocess.Popen(
            [sys.executable, "-c", "input()"],
            stdin=subprocess.PIPE,
            start_new_session=True,
        ) as process:
            yield process
            process.kill()


class TestNote:
    def test_what_is_read_is_what_was_written(self, tmp_path):
        note = a_note(children={"nats": NOBODY}, weed_grpc_ports=(1, 2))
        (tmp_path / NOTE).write_text(note.to_json())

        assert read_owner(tmp_path) == note

    @pytest.mark.parametrize("text", ["", "null", "[]", "{}", '{"boot": 1}'])
    def test_what_is_no_note_is_none(self, tmp_path, text):
        (tmp_path / NOTE).write_text(text)

        assert read_owner(tmp_path) is None

    def test_a_home_keeps_one_that_grows(self, tmp_path):
        home = Home(tmp_path, open_to_others=False)

        home.note(children={"nats": NOBODY})
        home.note(children={"s3": NOBODY}, weed_grpc_ports=(5,))

        note = json.loads((home.path / NOTE).read_text())
        assert set(note["children"]) == {"nats", "s3"}
        assert note["supervisor"]["pid"] == os.getpid()
        home.remove()

    def test_a_home_says_in_its_name_whose_it_is(self, tmp_path):
        home = Home(tmp_path, open_to_others=False)

        assert creator_of(home.path) == (os.geteuid(), os.getpid())
        home.remove()

    def test_nobody_else_may_look_into_it(self, tmp_path):
        home = Home(tmp_path, open_to_others=True)

        assert home.path.stat().st_mode & 0o777 == 0o711
        assert home.room("nats").stat().st_mode & 0o777 == 0o700
        home.remove()


class TestIdentity:
    def test_a_process_knows_itself(self):
        assert identity(os.getpid()).lives()

    def test_one_that_ended_does_not_live_even_unburied(self):
        process = subprocess.Popen(["/bin/true"])
        who = identity(process.pid)

        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)

        assert not who.lives()
        process.wait()


def a_note(**changes):
    note = Owner(
        boot=boot_id(),
        namespace=pid_namespace(),
        supervisor=NOBODY,
        children={},
        weed_grpc_ports=(),
        postgres_program="/bin/postgres",
    )
    return replace(note, **changes)
