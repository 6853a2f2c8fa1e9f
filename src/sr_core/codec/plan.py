"""The hashes of a plan, of the policy it is carried out under, and of how far it is."""

from __future__ import annotations

from sr_core.codec.canonical import canonical
from sr_core.domain.event_manager import PlanView
from sr_core.domain.plan import PlanInstance, PolicySnapshot
from sr_core.domain.refs import ContentHash, hash_bytes


def hash_plan(instance: PlanInstance) -> ContentHash:
    """Return the hash of what binds in the plan, in whatever order it was given."""
    return hash_bytes(canonical(instance.binding()))


def hash_policy(policy: PolicySnapshot) -> ContentHash:
    """Return the hash of the whole snapshot."""
    return hash_bytes(canonical(policy))


def hash_view(view: PlanView) -> ContentHash:
    """Return the state hash of the event manager (SPEC 12.2): it leaves nothing out."""
    return hash_bytes(canonical(view))
