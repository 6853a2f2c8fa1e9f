"""Stand-ins and builders for tests of this package, and of programs built on it.

    Story          gives commands to the rules and folds what they decide
    Stage          the use cases over memory stores and a scripted runner
    ScriptedRunner runs Python functions instead of programs

They implement the ports and keep their contracts; nothing of the rules is imitated.
"""

from sr_core.testing.documents import (
    DIRECTIVE,
    GOVERNED,
    build_artifact_events,
    build_document,
    build_entry,
    build_governed,
)
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
    CrowdedStore,
    PerishableStore,
    Stage,
    TokenTable,
)
from sr_core.testing.story import (
    Story,
    build_full_story,
    build_manifest,
)
from sr_core.testing.values import (
    AGENT,
    BUILD,
    BYSTANDER,
    CORE,
    FILES,
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
    register,
    ulid,
)

__all__ = [
    "AGENT",
    "BUILD",
    "BYSTANDER",
    "CORE",
    "DIRECTIVE",
    "FILES",
    "GOVERNED",
    "HUMAN",
    "INTEGRITY_SMOKE",
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
    "build_artifact_events",
    "build_document",
    "build_entry",
    "build_full_story",
    "build_governed",
    "build_manifest",
    "build_report",
    "build_suite",
    "fails",
    "passes",
    "register",
    "says_nothing",
    "ulid",
]
