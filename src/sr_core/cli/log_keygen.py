"""`sr log keygen`: a fresh pair of keys for the log's checkpoints."""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Mapping, Sequence

from sr_core.bootstrap.settings import SETTINGS
from sr_core.codec.note import KEY_BYTES, Purpose, SigningKey, parse_key_name


async def run(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Print the pair as two settings, and return the exit code."""
    origin = environment.get("SR_LOG_ORIGIN", SETTINGS["SR_LOG_ORIGIN"].default)
    parser = argparse.ArgumentParser(
        prog="sr log keygen",
        description="The first line is a secret; the second is for everybody.",
    )
    parser.add_argument(
        "--name", default=origin, help="the key's name (default: %(default)s)"
    )
    key = fresh_key(parser.parse_args(arguments).name, Purpose.CHECKPOINT)
    sys.stdout.write(f"SR_LOG_SIGNING_KEY={key.text}\n")
    sys.stdout.write(f"SR_LOG_VERIFIER_KEY={key.verifier.text}\n")
    return 0


def fresh_key(name: str, purpose: Purpose) -> SigningKey:
    """Return a key that nobody has had, or raise `MalformedInput` for its name."""
    name = parse_key_name(name, field="--name")
    seed = secrets.token_bytes(KEY_BYTES)
    return SigningKey(name=name, seed=seed, purpose=purpose)
