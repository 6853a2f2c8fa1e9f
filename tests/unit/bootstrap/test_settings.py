"""Settings from the environment (SPEC 15.3): all of them known, or refused."""

import os
from datetime import UTC, datetime

import pytest

from sr_core.bootstrap.attestation import signing_key
from sr_core.bootstrap.settings import SETTINGS, Setting, parse_settings
from sr_core.codec.note import Purpose, SigningKey
from sr_core.domain.errors import MalformedInput

REQUIRED = {name for name, each in SETTINGS.items() if each.default is None}
SECRETS = {
    "SR_DATABASE_URL": "postgresql://sr:hush-1@db/sr",
    "SR_MINIO_SECRET_KEY": "hush-2",
    "SR_NATS_PASSWORD": "hush-3",
}
LEAST = {
    **dict.fromkeys(REQUIRED, "given"),
    "SR_OIDC_HUMAN_CLIENTS": "web, cli,",
    **SECRETS,
}


class TestWhatIsGiven:
    """A deployment says what has no sensible default, and no more."""

    def test_with_the_least_there_is_the_rest_is_default(self):
        settings = parse_settings(LEAST)

        assert (settings.host, settings.port) == ("127.0.0.1", 3000)
        assert settings.minio_tls is True
        assert settings.evidence_bucket == "evidence-public"
        assert settings.human_clients == {"web", "cli"}
        assert settings.sandbox == "bubblewrap"
        assert settings.bwrap is None
        assert settings.sandbox_directory is None
        assert settings.governor_poll_interval_ms == 1000
        assert settings.governor_max_concurrent_loops == 10
        assert settings.governor_dry_run is False
        assert settings.governor_health_port == 8081

    def test_what_is_given_is_taken(self):
        settings = parse_settings(
            {
                **LEAST,
                "SR_PORT": "65535",
                "SR_MINIO_TLS": "false",
                "SR_SANDBOX": "plain",
                "SR_SANDBOX_BWRAP": "bin/bwrap",
            }
        )

        assert settings.port == 65535
        assert settings.minio_tls is False
        assert (settings.sandbox, settings.bwrap) == ("plain", "bin/bwrap")

    @pytest.mark.parametrize("name", sorted(REQUIRED))
    def test_without_one_that_has_no_default_nothing_starts(self, name):
        environment = {each: LEAST[each] for each in LEAST if each != name}

        with pytest.raises(MalformedInput) as malformed:
            parse_settings(environment)

        meaning = SETTINGS[name].meaning
        assert str(malformed.value) == f"{name}: found None. Give {meaning}."

    @pytest.mark.parametrize("name", sorted(REQUIRED))
    def test_an_empty_one_is_not_given(self, name):
        with pytest.raises(MalformedInput) as malformed:
            parse_settings({**LEAST, name: ""})

        meaning = SETTINGS[name].meaning
        assert str(malformed.value) == f"{name}: found ''. Give {meaning}."

    @pytest.mark.parametrize(
        "name", sorted(each for each in SETTINGS if SETTINGS[each].default == "")
    )
    def test_what_is_empty_by_default_may_be_empty(self, name):
        without = {each: LEAST[each] for each in LEAST if each != name}

        assert parse_settings({**without, name: ""}) == parse_settings(without)

    def test_what_is_nobodys_of_ours_is_left_alone(self):
        settings = parse_settings({**LEAST, "PATH": "bin", "SRV": "1"})

        assert settings == parse_settings(LEAST)

    @pytest.mark.parametrize("name", SETTINGS)
    def test_each_says_what_it_is_for(self, name):
        assert isinstance(SETTINGS[name], Setting)
        assert SETTINGS[name].meaning


class TestMisspelt:
    """SPEC 16.11: a variable of ours that nobody reads is an error, not a default."""

    @pytest.mark.parametrize(
        ("name", "meant"),
        [
            ("SR_DATABASE_URI", "SR_DATABASE_URL"),
            ("SR_GOVERNOR_DRY_RUNS", "SR_GOVERNOR_DRY_RUN"),
            ("SR_MINIO_ENDPONT", "SR_MINIO_ENDPOINT"),
            ("SR_NATS_PASWORD", "SR_NATS_PASSWORD"),
            ("SR_OIDC_HUMAN_CLIENT", "SR_OIDC_HUMAN_CLIENTS"),
            ("SR_SANDBOXES", "SR_SANDBOX"),
        ],
    )
    def test_the_nearest_name_is_suggested(self, name, meant):
        with pytest.raises(MalformedInput) as malformed:
            parse_settings({**LEAST, name: "given"})

        assert str(malformed.value) == f"environment: found '{name}'. Give {meant}."

    def test_where_none_is_near_the_list_is_named(self):
        with pytest.raises(MalformedInput, match=r"a variable of deploy/env\.example"):
            parse_settings({**LEAST, "SR_NATS_" + 60 * "X": "given"})

    def test_its_value_is_not_told(self):
        with pytest.raises(MalformedInput) as malformed:
            parse_settings({**LEAST, "SR_NATS_PASWORD": "hush-4"})

        assert "hush" not in str(malformed.value)


class TestForm:
    """What is given has the form that it needs."""

    @pytest.mark.parametrize("port", ["", "0", "65536", "-1", "80a", "8 0", "٣", "3.0"])
    def test_a_port_is_a_port(self, port):
        with pytest.raises(MalformedInput, match="a port, 1 to 65535"):
            parse_settings({**LEAST, "SR_PORT": port})

    @pytest.mark.parametrize(
        "name",
        [
            "SR_GOVERNOR_HEALTH_PORT",
            "SR_GOVERNOR_MAX_CONCURRENT_LOOPS",
            "SR_GOVERNOR_POLL_INTERVAL_MS",
        ],
    )
    @pytest.mark.parametrize("value", ["", "0", "-1", "1.5", "9" * 5000])
    def test_what_the_governor_counts_is_a_number_from_1_up(self, name, value):
        with pytest.raises(MalformedInput, match=f"^{name}: .*1 to [0-9]+"):
            parse_settings({**LEAST, name: value})

    @pytest.mark.parametrize(
        "name", ["SR_GOVERNOR_DRY_RUN", "SR_MINIO_TLS", "SR_SANDBOX"]
    )
    @pytest.mark.parametrize("value", ["", "yes", "True", "none"])
    def test_a_choice_is_one_of_a_few(self, name, value):
        with pytest.raises(MalformedInput, match=f"^{name}: found .* or "):
            parse_settings({**LEAST, name: value})

    def test_runs_are_laid_out_where_it_says(self, tmp_path):
        settings = parse_settings({**LEAST, "SR_SANDBOX_DIRECTORY": str(tmp_path)})

        assert settings.sandbox_directory == tmp_path

    @pytest.mark.parametrize("where", ["absent", "a file", "relative"])
    def test_only_in_a_folder_that_is_there(self, tmp_path, where):
        (tmp_path / "a file").touch()
        given = os.path.relpath(tmp_path) if where == "relative" else tmp_path / where

        with pytest.raises(
            MalformedInput, match=r"^SR_SANDBOX_DIRECTORY: .* an existing directory"
        ):
            parse_settings({**LEAST, "SR_SANDBOX_DIRECTORY": str(given)})


class TestTheOwnerOfTheLog:
    """R-EVT-8: who runs `sr init` may be another than the platform."""

    URL = "postgresql://owner:hush-9@db/sr"

    def test_is_the_platforms_user_unless_told(self):
        settings = parse_settings(LEAST)

        assert settings.owner_url == settings.database_url

    def test_is_who_is_told_and_kept_secret(self):
        settings = parse_settings({**LEAST, "SR_DATABASE_OWNER_URL": self.URL})

        assert settings.owner_url == self.URL
        assert {self.URL, "hush-9"} <= set(settings.secrets)
        assert "hush-9" not in repr(settings)


class TestTheKeysOfTheLog:
    """R-EVT-9: who signs has a secret, who verifies has not."""

    KEY = SigningKey(name="solver-ralph/log", seed=bytes(range(32)))

    def test_need_not_be_there(self):
        settings = parse_settings(LEAST)

        assert (settings.log_signing_key, settings.log_verifier_key) == (None, None)

    def test_are_read_and_the_secret_one_is_kept_secret(self):
        settings = parse_settings(
            {
                **LEAST,
                "SR_LOG_SIGNING_KEY": self.KEY.text,
                "SR_LOG_VERIFIER_KEY": self.KEY.verifier.text,
            }
        )

        assert settings.log_signing_key == self.KEY
        assert settings.log_verifier_key == self.KEY.verifier
        assert self.KEY.text in settings.secrets
        assert self.KEY.text not in repr(settings)
        assert "seed" not in repr(settings)

    def test_of_another_form_stop_the_start_and_the_secret_one_is_not_told(self):
        broken = self.KEY.text.replace("PRIVATE", "PUBLIC")

        with pytest.raises(MalformedInput, match=r"^SR_LOG_SIGNING_KEY") as error:
            parse_settings({**LEAST, "SR_LOG_SIGNING_KEY": broken})

        assert broken not in str(error.value)
        with pytest.raises(MalformedInput, match=r"^SR_LOG_VERIFIER_KEY"):
            parse_settings({**LEAST, "SR_LOG_VERIFIER_KEY": broken})

    @pytest.mark.parametrize("origin", ["two\nlines", "x" * 256])
    def test_the_log_has_a_name_of_one_line(self, origin):
        with pytest.raises(MalformedInput, match=r"^SR_LOG_ORIGIN"):
            parse_settings({**LEAST, "SR_LOG_ORIGIN": origin})


class TestTheKeysOfEvidence:
    """R-ATT-7: a key serves one purpose, in its time."""

    LOG = SigningKey(name="solver-ralph/log", seed=bytes(range(32)))
    KEY, NEXT, TWIN = (
        SigningKey(name=name, seed=seed, purpose=Purpose.EVIDENCE)
        for name, seed in (("e", bytes(32)), ("f", bytes(31) + b"1"), ("g", LOG.seed))
    )
    NOON = datetime(2026, 1, 9, 12, tzinfo=UTC)

    def given(self, keys: str, *, signs: SigningKey = KEY, **more: str):
        told = {
            "SR_EVIDENCE_VERIFIER_KEYS": keys,
            "SR_EVIDENCE_SIGNING_KEY": signs.text,
        }
        return parse_settings({**LEAST, **told, **more})

    def test_need_not_be_there(self):
        settings = parse_settings(LEAST)

        assert settings.evidence_signing_key is None
        assert settings.evidence_verifier_keys == ()
        with pytest.raises(MalformedInput, match=r"^SR_EVIDENCE_SIGNING_KEY"):
            signing_key(settings, at=self.NOON)

    def test_are_read_and_the_secret_one_is_kept_secret(self):
        listed = f"{self.KEY.verifier.text} until=2027-01-01T00:00:00Z"
        settings = self.given(f"{listed} {self.NEXT.verifier.text}")

        assert settings.evidence_signing_key == self.KEY
        assert [each.key for each in settings.evidence_verifier_keys] == [
            self.KEY.verifier,
            self.NEXT.verifier,
        ]
        assert self.KEY.text in settings.secrets
        assert self.KEY.text not in repr(settings)
        assert "seed" not in repr(settings)

    def test_of_another_form_stop_the_start_and_the_secret_one_is_not_told(self):
        broken = self.KEY.text[:-4]

        with pytest.raises(MalformedInput, match=r"^SR_EVIDENCE_SIGNING_KEY") as error:
            parse_settings({**LEAST, "SR_EVIDENCE_SIGNING_KEY": broken})
        assert broken not in str(error.value)
        with pytest.raises(
            MalformedInput, match=r"^SR_EVIDENCE_VERIFIER_KEYS"
        ) as error:
            parse_settings({**LEAST, "SR_EVIDENCE_VERIFIER_KEYS": self.KEY.text})
        assert self.KEY.text not in str(error.value)

    def test_are_not_those_of_the_log(self):
        for name, key in (
            ("SR_EVIDENCE_SIGNING_KEY", self.LOG.text),
            ("SR_EVIDENCE_VERIFIER_KEYS", self.LOG.verifier.text),
            ("SR_LOG_SIGNING_KEY", self.KEY.text),
            ("SR_LOG_VERIFIER_KEY", self.KEY.verifier.text),
        ):
            with pytest.raises(MalformedInput, match=f"^{name}.*of the purpose"):
                parse_settings({**LEAST, name: key})

    @pytest.mark.parametrize("which", ["SIGNING", "VERIFIER"])
    def test_are_not_the_same_bytes_as_those_of_the_log(self, which):
        log = self.LOG.text if which == "SIGNING" else self.LOG.verifier.text

        with pytest.raises(MalformedInput, match="for each purpose one of its own"):
            self.given(
                self.TWIN.verifier.text,
                signs=self.TWIN,
                **{f"SR_LOG_{which}_KEY": log},
            )

    def test_sign_while_they_are_believed(self):
        text = self.KEY.verifier.text
        ends = self.given(f"{text} until=2026-01-09T12:00:00Z")
        revoked = self.given(f"{text} revoked=2026-01-09T11:00:00Z")

        assert signing_key(ends, at=self.NOON.replace(hour=11)) == self.KEY
        for settings in (ends, revoked):
            with pytest.raises(MalformedInput, match="a key that is believed now"):
                signing_key(settings, at=self.NOON)
        with pytest.raises(MalformedInput, match="among them, which signs"):
            signing_key(self.given(self.NEXT.verifier.text), at=self.NOON)


def test_secrets_are_not_part_of_what_is_printed():
    """C-EVID-5: neither a log nor a traceback shows them."""
    settings = parse_settings(LEAST)

    assert "hush" not in repr(settings)
    assert settings.database_url == SECRETS["SR_DATABASE_URL"]
    assert settings.minio_secret_key == SECRETS["SR_MINIO_SECRET_KEY"]
    assert settings.nats_password == SECRETS["SR_NATS_PASSWORD"]
