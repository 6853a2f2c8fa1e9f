"""What is taken from a directory that nobody vouches for (R-SBX-8)."""

from __future__ import annotations

import os
import socket

import pytest

from sr_core.adapters.sandbox import artifacts
from sr_core.adapters.sandbox.artifacts import ArtifactFile, Collected, collect

SECRET = b"of the host"


@pytest.fixture
def scratch(tmp_path):
    directory = tmp_path / "scratch"
    directory.mkdir()
    return directory


@pytest.fixture
def secret(tmp_path):
    file = tmp_path / "secret"
    file.write_bytes(SECRET)
    return file


def refusals(collected: Collected) -> dict[str, str]:
    return {each.name: each.reason for each in collected.refused}


class TestTaken:
    def test_files_come_sorted_by_their_whole_names(self, scratch):
        (scratch / "b").mkdir()
        for name in ("z", "b/2", "b/1", "a", "b-"):
            (scratch / name).write_bytes(name.encode())

        collected = collect(scratch)

        assert collected.files == tuple(
            ArtifactFile(name=name, data=name.encode())
            for name in ("a", "b-", "b/1", "b/2", "z")
        )
        assert collected.refused == ()

    def test_nothing_is_nothing(self, scratch):
        assert collect(scratch).files == ()

    def test_bounds_are_reached_before_they_refuse(self, scratch):
        (scratch / "a").mkdir()
        (scratch / "a" / "one").write_bytes(b"1234")
        (scratch / "two").write_bytes(b"1234")

        collected = collect(
            scratch, files_max=2, file_bytes_max=4, total_bytes_max=8, depth_max=2
        )

        assert len(collected.files) == 2
        assert collected.refused == ()


class TestNothingIsFollowed:
    @pytest.mark.parametrize("target", ["/etc/passwd", "../secret", "nowhere"])
    def test_no_link_to_a_file(self, scratch, secret, target):
        assert secret.exists()
        (scratch / "report.json").symlink_to(target)

        collected = collect(scratch)

        assert collected.files == ()
        assert refusals(collected) == {"report.json": "a symbolic link"}

    def test_no_link_to_a_directory(self, scratch, secret):
        (scratch / "reports").symlink_to(secret.parent)

        collected = collect(scratch)

        assert collected.files == ()
        assert refusals(collected) == {"reports": "a symbolic link"}

    def test_no_scratch_that_is_a_link_itself(self, scratch, tmp_path):
        (tmp_path / "link").symlink_to(scratch)

        with pytest.raises(OSError, match="link"):
            collect(tmp_path / "link")

    def test_no_second_name_of_a_file_elsewhere(self, scratch, secret):
        (scratch / "report.json").hardlink_to(secret)

        collected = collect(scratch)

        assert collected.files == ()
        assert refusals(collected) == {"report.json": "a hard link, one of 2 names"}

    def test_no_fifo_and_nobody_waits_for_its_writer(self, scratch):
        os.mkfifo(scratch / "report.json")

        assert refusals(collect(scratch)) == {"report.json": "a fifo"}

    def test_no_socket(self, scratch, monkeypatch):
        monkeypatch.chdir(scratch)  # the address of a socket has a short maximum
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("report.json")

            assert refusals(collect(scratch)) == {"report.json": "a socket"}

    @pytest.mark.parametrize("becomes", ["symlink", "fifo", "hard link"])
    def test_no_file_that_is_swapped_after_it_was_looked_at(
        self, scratch, secret, monkeypatch, becomes
    ):
        report = scratch / "report.json"
        report.write_bytes(b"{}")
        look = os.stat

        def swap_after_look(*args, **kwargs):
            seen = look(*args, **kwargs)
            report.unlink()
            match becomes:
                case "symlink":
                    report.symlink_to(secret)
                case "fifo":
                    os.mkfifo(report)
                case _:
                    report.hardlink_to(secret)
            return seen

        monkeypatch.setattr(os, "stat", swap_after_look)

        collected = collect(scratch)

        assert collected.files == ()
        assert list(refusals(collected)) == ["report.json"]


class TestNames:
    @pytest.mark.parametrize(
        ("one", "other"),
        [("Report", "report"), ("caf\u00e9", "cafe\u0301"), ("stra\u00dfe", "STRASSE")],
        ids=["case", "form", "folded"],
    )
    def test_twins_are_both_refused(self, scratch, one, other):
        (scratch / one).write_bytes(b"1")
        (scratch / other).write_bytes(b"2")

        collected = collect(scratch)

        assert collected.files == ()
        assert len(collected.refused) == 2
        assert all("case or form" in each.reason for each in collected.refused)

    def test_twins_of_directories_are_not_entered(self, scratch):
        for name in ("Logs", "logs"):
            (scratch / name).mkdir()
            (scratch / name / "a").write_bytes(b"1")

        assert collect(scratch).files == ()

    @pytest.mark.parametrize(
        ("name", "reason"),
        [
            (b"cafe\xcc\x81", "NFC"),
            (b"a\nb", "control"),
            (b"a\x1b[2Jb", "control"),
            ("a\u202eb".encode(), "control"),
            (b"a\\b", "backslash"),
            (b"a\xffb", "UTF-8"),
        ],
    )
    def test_only_canonical_names_are_taken(self, scratch, name, reason):
        with open(os.fsencode(scratch) + b"/" + name, "wb"):  # noqa: PTH123 - bytes
            pass

        collected = collect(scratch)

        assert collected.files == ()
        assert reason in collected.refused[0].reason
        assert collected.refused[0].name.isprintable()

    def test_a_long_name_is_refused(self, scratch):
        deep = scratch.joinpath(*["d" * 250] * 4)
        deep.mkdir(parents=True)
        (deep / ("f" * 250)).write_bytes(b"")

        (refused,) = collect(scratch).refused

        assert "longer than 1024 bytes" in refused.reason


class TestBounds:
    def test_a_file_too_big(self, scratch):
        (scratch / "a").write_bytes(b"12345")
        (scratch / "b").write_bytes(b"1234")

        collected = collect(scratch, file_bytes_max=4)

        assert [each.name for each in collected.files] == ["b"]
        assert refusals(collected) == {"a": "more than 4 bytes"}

    def test_a_sparse_file_of_a_terabyte_is_not_read(self, scratch):
        with (scratch / "a").open("wb") as file:
            file.truncate(1024**4)

        assert refusals(collect(scratch)) == {"a": f"more than {8 * 1024**2} bytes"}

    def test_too_much_in_sum(self, scratch):
        for name in "abc":
            (scratch / name).write_bytes(b"1234")

        collected = collect(scratch, total_bytes_max=8)

        assert [each.name for each in collected.files] == ["a", "b"]
        assert refusals(collected) == {"c": "more than 8 bytes in sum"}

    def test_too_many(self, scratch):
        for name in "cab":
            (scratch / name).write_bytes(b"")

        collected = collect(scratch, files_max=2)

        assert [each.name for each in collected.files] == ["a", "b"]
        assert refusals(collected) == {"c": "more than 2 files"}

    def test_far_too_many_are_refused_together(self, scratch, monkeypatch):
        monkeypatch.setattr(artifacts, "_ENTRIES_MAX", 3)
        for name in "abcd":
            (scratch / name).write_bytes(b"")

        collected = collect(scratch)

        assert collected.files == ()
        assert refusals(collected) == {".": "more than 3 entries"}

    def test_too_deep(self, scratch):
        (scratch / "a" / "b").mkdir(parents=True)
        (scratch / "a" / "b" / "c").write_bytes(b"")
        (scratch / "a" / "d").write_bytes(b"")

        collected = collect(scratch, depth_max=2)

        assert [each.name for each in collected.files] == ["a/d"]
        assert refusals(collected) == {"a/b/c": "more than 2 levels deep"}

    @pytest.mark.parametrize("bytes_max", [4, 1024])
    def test_a_file_that_grows_while_it_is_read(self, scratch, monkeypatch, bytes_max):
        log = scratch / "log"
        log.write_bytes(b"1")
        read = os.read

        def grow_and_read(descriptor, wanted):
            with log.open("ab") as file:
                file.write(b"more")
            return read(descriptor, min(wanted, 5))

        monkeypatch.setattr(os, "read", grow_and_read)
        monkeypatch.setattr(artifacts, "_ENTRIES_MAX", 10)

        collected = collect(scratch, file_bytes_max=bytes_max)

        assert collected.files == ()
        assert list(refusals(collected)) == ["log"]

    def test_a_file_that_changes_and_keeps_its_size(self, scratch, monkeypatch):
        log = scratch / "log"
        log.write_bytes(b"1234")
        os.utime(log, ns=(0, 0))
        read = os.read

        def change_and_read(descriptor, wanted):
            log.write_bytes(b"4321")
            return read(descriptor, wanted)

        monkeypatch.setattr(os, "read", change_and_read)

        assert refusals(collect(scratch)) == {"log": "changed while it was read"}
