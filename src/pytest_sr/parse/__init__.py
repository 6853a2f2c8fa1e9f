"""Scenario files: text in, a `Scenario` or `ScenarioRefused` out."""
