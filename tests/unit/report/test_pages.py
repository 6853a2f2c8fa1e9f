"""The report's pages: complete, safe, offline, the same every time."""

import re
from dataclasses import replace
from itertools import pairwise

import pytest

from pytest_sr.report.case_page import PAGE_BYTES_MAX
from pytest_sr.report.html import page_names, render_report
from pytest_sr.scenario import Verdict

HELD = "cases/evidence-gone.deleted.html"
FAIL = "cases/never-stops.deleted.html"
INVALID = "cases/no-experiment.deleted.html"
NO_FAULT = "cases/evidence-gone.deleted.control.no-fault.html"
BLIND = "cases/evidence-gone.deleted.control.blind.html"
CASES = (HELD, FAIL, INVALID, NO_FAULT, BLIND)
ALL = ("index.html", *CASES)


class TestTheStory:
    """Everything that was seen and judged is told once, and in its place."""

    def test_the_samples_are_what_they_are_meant_to_be(self, transcripts):
        verdicts = [each.verdict for each in transcripts[:3]]

        assert verdicts == [Verdict.PASS, Verdict.FAIL, Verdict.INVALID]

    def test_there_is_a_page_for_each_case(self, pages):
        assert set(pages) == set(ALL)

    @pytest.mark.parametrize("number", range(5))
    def test_each_claim_stands_once_with_its_line(self, transcripts, read, number):
        page = read(CASES[number])

        for each in transcripts[number].judgement.claims:
            row = page.one("tr", id=f"claim-{each.claim}")
            assert each.place.rpartition(":")[0] in row.text
            assert each.verdict in row.text

    @pytest.mark.parametrize("number", range(5))
    def test_each_event_stands_once(self, transcripts, read, number):
        page = read(CASES[number])

        for each in transcripts[number].history.events:
            row = page.one("tr", id=f"event-{each.position}")
            assert each.event_type in row.text
            assert each.actor_kind in row.text

    @pytest.mark.parametrize("number", range(5))
    def test_each_answer_stands_once(self, transcripts, read, number):
        page = read(CASES[number])

        for place, each in enumerate(transcripts[number].history.answers, start=1):
            row = page.one("tr", id=f"step-{place}")
            assert each.step in row.text
            assert str(each.result["answer"]["status"]) in row.text

    @pytest.mark.parametrize("number", range(5))
    def test_each_moment_of_a_fault_stands_once(self, transcripts, read, number):
        page = read(CASES[number])
        told = page.all("tr", within="broken", data_tick=True)

        moments = transcripts[number].history.moments
        assert [each.attributes["data-tick"] for each in told] == [
            str(each.tick) for each in moments
        ]

    def test_a_changed_row_is_told_with_both_values(self, read):
        page = read(HELD)

        look = page.one("details", class_="look", data_tick="7")

        assert "state ACTIVE → PAUSED" in look.text

    def test_an_object_is_followed(self, read):
        page = read(HELD)

        assert (
            "gone: candidate.verify at line 24; there again: the end"
            in page.one("section", id="observed").text
        )

    def test_a_broken_hash_is_told(self, read):
        assert "✗ broken" in read(FAIL).one("tr", id="event-4").text

    def test_sections_come_in_the_order_of_the_story(self, read):
        order = ["timeline", "done", "broken", "observed", "judged", "controls"]

        assert [e.attributes["id"] for e in read(HELD).all("section")] == order
        assert [e.attributes["id"] for e in read(FAIL).all("section")] == [
            "first",
            *order,
        ]


class TestWhatToLookAtFirst:
    """D8: a case that is not as it should be says why before it says anything else."""

    def test_a_failure_shows_its_lines_and_what_was_found(self, read, failed):
        first = read(FAIL).one("section", id="first")

        assert "▶  31    stopped:  {event: StopTriggered" in first.text
        assert "trigger EVIDENCE_MISSING" in first.text
        nearest = read(FAIL).one("table", class_="nearest").text
        assert "triggerEVIDENCE_MISSING</script><img" in nearest
        assert nearest.endswith("✗ differs")
        assert "0 such events, not 1: the last of that type" in first.text
        assert (
            "gone: asked (log at 2), landed (log at 2), healed (log at 4): "
            in first.text
        )
        assert "The last 5 of 5 events" in first.text
        assert f"pytest '{failed.node_id}'" in first.text

    def test_no_experiment_says_why_there_was_none(self, read):
        first = read(INVALID).one("section", id="first")

        assert "gone did not land" in first.text
        assert "▶  18" in first.text

    def test_nothing_needs_a_look_where_all_is_well(self, read):
        assert not read(HELD).all("section", id="first")
        assert not read(NO_FAULT).all("section", id="first")

    def test_a_control_shows_what_it_left_green(self, read):
        first = read(BLIND).one("section", id="first")

        assert "never-frozen" in first.text
        assert "--sr-prove=controls" in first.text

    def test_a_quote_in_an_id_cannot_end_the_command(self, session, failed, read_text):
        odd = replace(failed, node_id="a.yaml::it's; rm")

        page = read_text(render_report(session, [odd])[FAIL])

        assert (
            page.one("pre", class_="command").text == "pytest 'a.yaml::it'\"'\"'s; rm'"
        )


class TestTheControls:
    def test_a_claim_that_turned_red_is_proven(self, read):
        matrix = read(HELD).one("table", class_="matrix")

        rows = [e.text for e in read(HELD).all("tr") if matrix.text.find(e.text) > 0]
        assert "refused✓ red✓ red" in rows
        assert "never-frozen—✗ green" in rows

    def test_a_control_is_judged_by_what_it_turned_red(self, read):
        assert read(NO_FAULT).title.startswith("PASS ")
        assert read(BLIND).title.startswith("FAIL ")

    def test_without_controls_nothing_is_claimed(self, session, passed, read_text):
        page = read_text(render_report(session, [passed])[HELD])

        assert "No controls were run" in page.one("section", id="controls").text


class TestTheIndex:
    def test_it_leads_to_every_case_that_needs_a_look(self, read):
        links = [
            e.attributes["href"]
            for e in read("index.html").all("a", within="attention")
        ]

        assert links == [BLIND, FAIL, INVALID]

    def test_a_clause_has_the_gravest_verdict_of_its_cases(self, read):
        row = next(
            e for e in read("index.html").all("tr") if e.text.startswith("C-EVID-6")
        )

        assert "FAIL" in row.text

    def test_every_link_leads_somewhere(self, pages, read):
        for each in read("index.html").all("a"):
            name, _, anchor = each.attributes["href"].partition("#")
            assert name in pages
            assert not anchor or read(name).one(id=anchor)

    def test_no_case_at_all_is_never_green(self, session, read_text):
        page = read_text(render_report(session, [])["index.html"])

        assert "INVALID" in page.title


@pytest.mark.parametrize("name", ALL)
class TestEveryPage:
    def test_nothing_hostile_is_markup(self, read, name):
        page = read(name)

        assert {each.tag for each in page.elements}.isdisjoint({"script", "img", "b>"})
        assert not [
            e for e in page.elements if any(k.startswith("on") for k in e.attributes)
        ]

    def test_what_would_turn_the_line_around_is_spelt_out(self, pages, name):
        assert "\u202e" not in pages[name]

    def test_it_asks_nobody_for_anything(self, read, name):
        page = read(name)
        asking = {
            "src",
            "srcset",
            "data",
            "action",
            "poster",
            "background",
            "xlink:href",
        }

        assert not [e for e in page.elements if asking & e.attributes.keys()]
        assert not page.all("link") + page.all("iframe") + page.all("object")
        for each in page.all(href=True):
            assert re.match(r"(#|\.\./|cases/)[\w.~#-]+$", each.attributes["href"])
        assert not re.search(r"@import|url\(", page.one("style").text)
        policy = page.one("meta", http_equiv="Content-Security-Policy")
        assert policy.attributes["content"].startswith("default-src 'none'")

    def test_ids_are_unique(self, read, name):
        ids = [each.attributes["id"] for each in read(name).all(id=True)]

        assert len(ids) == len(set(ids))

    def test_links_within_the_page_lead_somewhere(self, read, name):
        page = read(name)

        for each in page.all("a"):
            if each.attributes["href"].startswith("#"):
                assert page.one(id=each.attributes["href"][1:])

    def test_no_heading_skips_a_level(self, read, name):
        levels = [int(e.tag[1]) for e in read(name).elements if re.match(r"h\d", e.tag)]

        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(b <= a + 1 for a, b in pairwise(levels))

    def test_every_table_says_what_its_cells_are(self, read, name):
        page = read(name)

        assert len(page.all("caption")) == len(page.all("table"))
        assert all("scope" in each.attributes for each in page.all("th"))

    def test_every_verdict_has_a_word_and_a_sign(self, read, name):
        badges = read(name).all("span", class_="badge")

        assert badges
        assert {e.text for e in badges} <= {"✓ PASS", "? INVALID", "✗ FAIL"}

    def test_it_stays_within_its_budget(self, pages, name):
        assert len(pages[name].encode()) <= PAGE_BYTES_MAX


class TestTheDrawing:
    """D21: the marks are what was seen, no more and no less."""

    @pytest.mark.parametrize("number", range(5))
    def test_marks_equal_what_was_seen(self, transcripts, read, number):
        page, history = read(CASES[number]), transcripts[number].history

        def marks(kind: str, key: str) -> list[int]:
            return [int(e.attributes[key]) for e in page.all("g", class_=kind)]

        assert marks("answer", "data-tick") == [each.tick for each in history.answers]
        assert marks("moment", "data-tick") == [each.tick for each in history.moments]
        assert marks("look", "data-tick") == [each.tick for each in history.samples]
        assert marks("event", "data-position") == [e.position for e in history.events]
        claims = [e.attributes["data-claim"] for e in page.all("g", class_="claim")]
        assert claims == [each.claim for each in transcripts[number].judgement.claims]

    def test_it_is_told_in_words_too(self, read, passed):
        page, history = read(HELD), passed.history
        seen = [*history.answers, *history.moments, *history.samples, *history.events]

        told = [e for e in page.all("li") if "told" in str(e.parents[-1].attributes)]
        assert len(told) == len(seen)
        assert "Fault gone: asked with the log at 2" in page.one("desc").text
        names = page.one("svg").attributes["aria-labelledby"].split()
        assert [page.one(id=each).tag for each in names] == ["title", "desc"]

    def test_an_event_stands_before_who_saw_the_log_that_long(self, read):
        told = [e.text for e in read(HELD).all("li") if e.parents[-1].tag == "ol"]

        event = told.index("event 3: EvidenceMissingDetected, by SYSTEM")
        step = told.index(
            "step 3, when: candidate.verify, answered 412 EVIDENCE_MISSING"
        )
        assert told.index("fault gone landed") < event < step


class TestTheReportAsAWhole:
    def test_the_same_input_gives_the_same_bytes(self, session, transcripts):
        once = render_report(session, transcripts)

        assert render_report(session, transcripts) == once

    def test_names_are_safe_and_differ(self, passed):
        odd = replace(
            passed, scenario=replace(passed.scenario, name="../../Etc/ü" * 40)
        )

        names = page_names([passed, passed, odd])

        assert names[:2] == (HELD, "cases/evidence-gone.deleted~2.html")
        assert re.fullmatch(r"cases/[a-z0-9.-]{1,80}\.html", names[2])
        assert ".." not in names[2]

    def test_a_huge_history_still_fits(self, session, told, a_history):
        event = a_history.events[2]
        payload = {f"field_{number}": "x" * 5000 for number in range(50)}
        events = [replace(event, position=n, payload=payload) for n in range(1, 3001)]
        row = {"goal": "y" * 900}
        samples = [
            replace(
                a_history.samples[0],
                tick=20 + n,
                rows={
                    "loops": {f"loop_{key}": row | {"state": n} for key in range(60)}
                },
            )
            for n in range(20)
        ]
        huge = told(replace(a_history, events=tuple(events), samples=tuple(samples)))

        page = render_report(session, [huge])[HELD]

        assert len(page.encode()) <= PAGE_BYTES_MAX
        assert "left out" in page
