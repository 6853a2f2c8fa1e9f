"""Scenario files: text in, a `Scenario` or `ScenarioRefused` out.

characters ──▶ load ──▶ read ──▶ cases, story, claims
is it text     is it    is it      calls ──▶ arguments ──▶ resolve
               YAML     ours       which word, with what, referring to what
"""

from pytest_sr.parse.problems import Code, Problem, ScenarioRefused
from pytest_sr.parse.read import parse_file, parse_text

__all__ = ["Code", "Problem", "ScenarioRefused", "parse_file", "parse_text"]
