"""The plugin as its user meets it: files in, outcomes, words and exit codes out."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

SOUND = """\
scenario: a-loop
title: A loop that was created can be activated
proves: [C-LOOP-1]

given:
  - loop.create: {}
    as: made

when:
  - loop.activate: {loop: "${made.loop}"}
    as: active

then:
  is-active: {projection: loops, id: "${made.loop}", has: {state: ACTIVE}}

controls:
  refusing: {mutant: projector.drops-activation, turns_red: [is-active]}
"""

REGISTER = """
    from pytest_sr.mutants.base import Patch, inside
    from pytest_sr.registry import MUTANTS, mutant
    from sr_core.application import recorder
    from sr_core.domain.loop import LoopActivated

    if "projector.drops-activation" not in MUTANTS:
        @mutant("projector.drops-activation")
        def projector_drops_activation():
            '''The read model does not learn that a loop was activated.'''
            real = inside(recorder, "changes_of")

            def changes_of(event, on):
                return () if isinstance(event, LoopActivated) else real(event, on)

            return (Patch(owner=recorder, name="changes_of", value=changes_of),)

        @mutant("projector.is-sound")
        def projector_is_sound():
            '''Nothing is replaced, so nothing can turn red.'''
            return ()
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """Give a project of its own, with a mutant that the shipped ones lack."""
    pytester.makeconftest(REGISTER)
    return pytester


def write(pytester: pytest.Pytester, text: str, name: str = "a-loop") -> Path:
    path = pytester.path / f"{name}.scenario.yaml"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess(
        *("-p", "no:cacheprovider"),
        *("-p", "no:randomly"),
        *("-p", "no:schemathesis"),  # no user has it, and it takes a second to load
        *arguments,
    )


class TestVerdicts:
    """A15: PASS is green, FAIL is a failure, INVALID is an error; no other is green."""

    def test_a_scenario_that_holds_passes_and_stands_in_the_table(self, project):
        write(project, SOUND)

        result = run(project)

        assert result.ret == 0
        result.assert_outcomes(passed=1)
        result.stdout.fnmatch_lines(
            ["case*verdict*claims*seconds*", "a-loop*PASS*1/1*"]
        )

    @pytest.mark.usefixtures("lent")
    def test_a_claim_that_does_not_hold_fails_and_shows_its_own_lines(self, project):
        write(project, SOUND.replace("state: ACTIVE", "state: CLOSED"))

        result = run(project)

        assert result.ret == 1
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(
            [
                "FAIL: A loop that was created can be activated",
                "  proves C-LOOP-1",
                "  NO  a-loop.scenario.yaml:14:3  is-active: state is 'ACTIVE', not *",
                "      14 |   is-active: *",
                "  again: pytest 'a-loop.scenario.yaml::a-loop'",
            ]
        )
        result.stdout.no_fnmatch_line("*Traceback*")

    @pytest.mark.usefixtures("lent")
    def test_a_given_that_the_system_refuses_is_an_error_and_never_green(self, project):
        refused = SOUND.replace("loop.create: {}", "loop.create: {by: roleless}")
        write(project, refused)

        result = run(project)

        assert result.ret == 1
        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines(
            ["*the experiment did not take place: *loop.create was answered with 403*"]
        )

    @pytest.mark.usefixtures("lent")
    def test_a_claim_about_nothing_is_an_error_and_never_green(self, project):
        nothing = SOUND.replace("projection: loops,", "projection: lops,")
        write(project, nothing)

        result = run(project)

        assert result.ret == 1
        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines(["*there is no table lops*"])


class TestControls:
    """Every claim is shown to be able to fail, or the proof fails."""

    @pytest.mark.usefixtures("lent")
    def test_a_control_that_turns_its_claims_red_passes(self, project):
        write(project, SOUND)

        result = run(project, "--sr-prove=controls")

        assert result.ret == 0
        result.assert_outcomes(passed=2)
        result.stdout.fnmatch_lines(["a-loop.control.refusing*PASS*1/1 red*"])

    @pytest.mark.usefixtures("lent")
    def test_a_control_that_leaves_a_claim_green_fails_and_names_it(self, project):
        inert = SOUND.replace("projector.drops-activation", "projector.is-sound")
        write(project, inert)

        result = run(project, "--sr-prove=controls")

        assert result.ret == 1
        result.assert_outcomes(passed=1, failed=1)
        result.stdout.fnmatch_lines(
            ["FAIL: *control refusing over 1 cases left green:", "  is-active"]
        )

    @pytest.mark.usefixtures("lent")
    def test_a_mutant_in_a_server_is_an_error_and_never_green(self, project):
        write(project, SOUND)

        result = run(project, "--sr-prove=controls", "--sr-system=server")

        assert result.ret == 1
        result.assert_outcomes(passed=1, errors=1)
        result.stdout.fnmatch_lines(["*a mutant needs --sr-system=in-process*"])


class TestCollection:
    """A broken file gives a located message at collection, and exit status 2."""

    def test_a_misspelt_step_names_its_place_and_the_cure(self, project):
        write(project, SOUND.replace("loop.activate", "loop.actvate"))

        result = run(project)

        assert result.ret == 2
        result.stdout.fnmatch_lines(["*a-loop.scenario.yaml:10:*loop.actvate*"])
        result.stdout.fnmatch_lines(["*loop.activate*"])
        result.stdout.no_fnmatch_line("*Traceback*")

    def test_ids_are_readable(self, project):
        cases = SOUND.replace(
            "given:", "cases:\n  one: {goal: a}\n  two: {goal: b}\n\ngiven:", 1
        ).replace("loop.create: {}", 'loop.create: {goal: "${case.goal}"}')
        write(project, cases)

        result = run(project, "--collect-only", "-q")

        result.stdout.fnmatch_lines(
            ["a-loop.scenario.yaml::a-loop?one?", "a-loop.scenario.yaml::a-loop?two?"]
        )

    def test_a_session_without_scenarios_starts_nothing(self, project):
        project.makepyfile("def test_something(): pass")

        result = run(project)

        assert result.ret == 0
        result.stderr.no_fnmatch_line("sr: *ready*")


class TestOptions:
    """Each option is a flag, an ini value and an environment variable; none is ignored."""

    def test_they_stand_in_a_group_of_their_own_in_the_help(self, project):
        result = run(project, "--help")

        result.stdout.fnmatch_lines(
            ["scenarios of governed work:", "*--sr-backend*", "*--sr-system*"]
        )

    def test_an_unknown_value_in_the_environment_is_refused(self, project, monkeypatch):
        monkeypatch.setenv("SR_PROVE", "everything")

        result = run(project)

        assert result.ret == 4
        result.stderr.fnmatch_lines(["*sr_prove: found 'everything'; give one of off*"])

    def test_an_ini_value_counts(self, project):
        write(project, SOUND)
        project.makeini("[pytest]\nsr_prove = controls\n")

        result = run(project, "--collect-only", "-q")

        result.stdout.fnmatch_lines(["*::a-loop.control.refusing"])

    def test_a_report_never_overwrites_what_is_no_report(self, project):
        write(project, SOUND)
        (project.path / "mine").mkdir()
        (project.path / "mine" / "thesis.txt").write_text("mine")

        result = run(project, "--sr-report=mine")

        assert result.ret == 4
        result.stderr.fnmatch_lines(["*mine holds something else*"])
        assert (project.path / "mine" / "thesis.txt").read_text() == "mine"


class TestReport:
    """The report is made of what the workers kept."""

    def test_it_tells_of_every_case_at_any_number_of_workers(self, project):
        write(project, SOUND)
        write(project, SOUND.replace("a-loop", "another"), name="another")

        result = run(project, "-n", "2", "--sr-report=report")

        assert result.ret == 0
        result.assert_outcomes(passed=2)
        index = (project.path / "report" / "index.html").read_text(encoding="utf-8")
        assert "a-loop" in index
        assert "another" in index
        assert len(list((project.path / "report" / "transcripts").iterdir())) == 2


def test_the_command_counts_no_scenarios_as_misuse(tmp_path: Path) -> None:
    ended = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-P", "-m", "sr_core.cli", "verify", str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert ended.returncode == 2
    assert "no scenario was found" in ended.stderr
