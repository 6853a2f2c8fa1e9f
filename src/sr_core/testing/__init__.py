"""Stand-ins and builders for tests of this package, and of programs built on it.

    Story          gives commands to the rules and folds what they decide
    Stage          the use cases over memory stores and a scripted runner
    ScriptedRunner runs Python functions instead of programs

They implement the ports and keep their contracts; nothing of the rules is imitated.
"""

from sr_core.testing.bus import append_stops
from sr_core.testing.documents import (
    DIRECTIVE,
    GOVERNED,
    build_artifact_events,
    build_document,
    build_entry,
    build_governed,
)
from sr_core.testing.manifests import build_manifest
from sr_core.testing.notes import build_notes
from sr_core.testing.oracles import (
    Left,
    Script,
    ScriptedRunner,
    build_report,
    fails,
    passes,
    says_nothing,
)
from sr_core.testing.stage import (
    KEK_ID,
    CrowdedStore,
    PerishableStore,
    Stage,
    TokenTable,
    build_kek,
)
from sr_core.testing.staleness import build_mark, build_staleness
from sr_core.testing.story import (
    A_FLAKE,
    Story,
    build_full_story,
)
from sr_core.testing.values import (
    AGENT,
    BUILD,
    BYSTANDER,
    CORE,
    FILES,
    FINGERPRINT,
    HUMAN,
    INTEGRITY_SMOKE,
    LOOP_1,
    NOON,
    PLATFORM,
    SBOM,
    SOME_HASH,
    SYSTEM,
    UNIT_TESTS,
    CountingIds,
    TickingClock,
    build_suite,
    build_suite_events,
    register,
    ulid,
    with_longer_timeouts,
)

__all__ = [
    "AGENT",
    "A_FLAKE",
    "BUILD",
    "BYSTANDER",
    "CORE",
    "DIRECTIVE",
    "FILES",
    "FINGERPRINT",
    "GOVERNED",
    "HUMAN",
    "INTEGRITY_SMOKE",
    "KEK_ID",
    "LOOP_1",
    "NOON",
    "PLATFORM",
    "SBOM",
    "SOME_HASH",
    "SYSTEM",
    "UNIT_TESTS",
    "CountingIds",
    "CrowdedStore",
    "Left",
    "PerishableStore",
    "Script",
    "ScriptedRunner",
    "Stage",
    "Story",
    "TickingClock",
    "TokenTable",
    "append_stops",
    "build_artifact_events",
    "build_document",
    "build_entry",
    "build_full_story",
    "build_governed",
    "build_kek",
    "build_manifest",
    "build_mark",
    "build_notes",
    "build_report",
    "build_staleness",
    "build_suite",
    "build_suite_events",
    "fails",
    "passes",
    "register",
    "says_nothing",
    "ulid",
    "with_longer_timeouts",
]
