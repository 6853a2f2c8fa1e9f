"""`sr kek` against an Infisical with a memory: the life of a KEK, step by step."""

from __future__ import annotations

import pytest
from tests.infisical_world import (
    CLIENT,
    FOLDER,
    KEK_ID,
    PROJECT,
    READER,
    TEXTS,
    WORD,
    a_world,
    key,
)

from pytest_sr.stack.troubles import answer_of
from sr_core.cli import main
from sr_core.domain.kek import KekRef, parse_kek


@pytest.fixture
def world():
    with a_world(is_empty=True) as it:
        yield it


@pytest.fixture
def sr(world, monkeypatch, capsys):
    """Run the command against the world; return its exit code and what it printed."""
    for name, value in {
        "INFISICAL_API_ENDPOINT": world.url,
        "INFISICAL_WORKSPACE_ID": PROJECT,
        "INFISICAL_CLIENT_ID": CLIENT,
        "INFISICAL_CLIENT_SECRET": WORD,
    }.items():
        monkeypatch.setenv(name, value)

    def command(*arguments: str) -> tuple[int, str]:
        code = main.run(["kek", *arguments])
        told = capsys.readouterr()
        return code, told.out + told.err

    return command


def kept(world, version):
    ref = KekRef(id=KEK_ID, version=version)
    return parse_kek(world.value(f"{KEK_ID}@{version}"), ref=ref)


class TestTheLifeOfAKek:
    def test_from_its_first_version_to_the_end_of_it(self, world, sr):
        assert sr("rotate") == (0, f"{KEK_ID}: versions 1 to 1 are in use, 1 seals\n")
        first = kept(world, 1)
        assert sr("rotate") == (0, f"{KEK_ID}: versions 1 to 2 are in use, 2 seals\n")
        assert kept(world, 1) == first
        assert kept(world, 2).key != first.key
        assert sr("retire", "--below", "2")[0] == 0
        assert sr("show") == (0, f"{KEK_ID}: versions 2 to 2 are in use, 2 seals\n")
        assert f"{KEK_ID}@1" in world.names()
        assert sr("destroy", "--version", "1")[0] == 0
        assert world.names() == [KEK_ID, f"{KEK_ID}@2"]

    def test_a_rotation_that_broke_off_goes_on(self, world, sr):
        sr("rotate")
        world.troubles.next(answer_of(500), only=f"/api/v4/secrets/{KEK_ID}@2", times=9)
        assert sr("rotate")[0] == 1
        world.troubles.quiet()
        world.store(f"{KEK_ID}@2", TEXTS[2])

        assert sr("rotate")[0] == 0

        assert kept(world, 2).key == key(2).key

    def test_what_is_in_use_is_neither_retired_nor_destroyed(self, world, sr):
        sr("rotate")
        sr("rotate")

        for act in (("retire", "--below", "3"), ("destroy", "--version", "1")):
            code, said = sr(*act)
            assert code == 2
            assert "Give " in said
        assert world.names() == [KEK_ID, f"{KEK_ID}@1", f"{KEK_ID}@2"]

    def test_another_kek_can_be_named(self, world, sr):
        assert sr("rotate", "--kek", "other-kek")[0] == 0
        assert world.names() == ["other-kek", "other-kek@1"]

    def test_no_key_is_printed(self, world, sr):
        _, said = sr("rotate")

        assert world.value(f"{KEK_ID}@1") not in said


class TestRefusals:
    @pytest.mark.parametrize("act", ["show", "rotate"])
    def test_without_an_infisical_nothing_is_asked(self, sr, act, monkeypatch):
        for name in ("WORKSPACE_ID", "CLIENT_ID", "CLIENT_SECRET"):
            monkeypatch.delenv(f"INFISICAL_{name}")

        code, said = sr(act)

        assert code == 2
        assert "INFISICAL_WORKSPACE_ID" in said

    def test_who_may_only_read_makes_none(self, monkeypatch, capsys):
        with a_world(client={"rights": READER}) as world:
            for name, value in {
                "INFISICAL_API_ENDPOINT": world.url,
                "INFISICAL_WORKSPACE_ID": PROJECT,
                "INFISICAL_CLIENT_ID": CLIENT,
                "INFISICAL_CLIENT_SECRET": WORD,
            }.items():
                monkeypatch.setenv(name, value)

            assert main.run(["kek", "rotate"]) == 1

            assert f"{KEK_ID}@4" not in world.names(FOLDER)
        assert "PermissionDenied" in capsys.readouterr().err

    @pytest.mark.parametrize("text", ["0", "-1", "one", "4294967296"])
    def test_a_version_is_a_number(self, sr, text):
        with pytest.raises(SystemExit) as caught:
            sr("retire", "--below", text)

        assert caught.value.code == 2


def test_a_key_for_development_can_be_made_without_anything(capsys):
    assert main.run(["kek", "make"]) == 0

    text = capsys.readouterr().out.strip()
    assert len(parse_kek(text, ref=KekRef(id=KEK_ID, version=1)).key) == 32
