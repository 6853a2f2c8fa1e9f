"""How an oracle's word counts (C-OR-4): report and exit status must agree."""

import pytest

from sr_core.domain.evidence import ResultStatus
from sr_core.domain.oracle_result import NoReport, OracleReport, Word, judge
from sr_core.testing import BUILD

PASS, FAIL = ResultStatus.PASS, ResultStatus.FAIL
ERROR, SKIPPED = ResultStatus.ERROR, ResultStatus.SKIPPED


def report(status: ResultStatus, oracle_id: str = BUILD) -> OracleReport:
    return OracleReport(oracle_id=oracle_id, status=status, summary="it said so")


class TestAgreement:
    """C-OR-4: an exit status alone proves nothing, and nor does a report."""

    @pytest.mark.parametrize(
        ("status", "exit_status", "counts_as"),
        [
            (PASS, 0, PASS),
            (PASS, 1, ERROR),
            (PASS, 137, ERROR),
            (PASS, None, ERROR),
            (FAIL, 0, ERROR),
            (FAIL, 1, FAIL),
            (FAIL, 127, FAIL),
            (FAIL, 128, ERROR),
            (FAIL, -9, ERROR),
            (FAIL, None, ERROR),
            (SKIPPED, 0, SKIPPED),
            (SKIPPED, None, SKIPPED),
            (ERROR, 0, ERROR),
            (ERROR, 1, ERROR),
        ],
    )
    def test_table(self, status, exit_status, counts_as):
        word = judge(BUILD, report(status), exit_status=exit_status)

        assert word.status is counts_as

    def test_where_they_agree_its_own_words_are_kept(self):
        word = judge(BUILD, report(PASS), exit_status=0)

        assert word == Word(status=PASS, why="it said so")

    @pytest.mark.parametrize(
        ("exit_status", "ended"),
        [
            (3, "it ended with exit status 3"),
            (0, "it ended with exit status 0"),
            (None, "it did not end by itself"),
        ],
    )
    def test_where_they_do_not_both_are_told(self, exit_status, ended):
        said = FAIL if exit_status == 0 else PASS

        word = judge(BUILD, report(said), exit_status=exit_status)

        assert word == Word(status=ERROR, why=f"it reported {said}, but {ended}")


class TestSilence:
    """C-OR-4: no report is no answer, however the program ended."""

    @pytest.mark.parametrize("exit_status", [0, 1, None])
    def test_without_a_report_there_is_no_answer(self, exit_status):
        no_report = NoReport(why="it left no report")

        word = judge(BUILD, no_report, exit_status=exit_status)

        assert word.status is None
        assert word.why.startswith("it left no report (it ")

    def test_another_oracles_report_is_none(self):
        word = judge(BUILD, report(PASS, "oracle:lint"), exit_status=0)

        assert word == Word(status=None, why="its report is of oracle:lint")
