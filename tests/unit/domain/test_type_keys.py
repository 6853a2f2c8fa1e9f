"""Type keys (C-META-3): a closed set."""

import pytest

from sr_core.domain.errors import MalformedInput
from sr_core.domain.type_keys import TYPE_KEYS, parse_type_key

SPELT_OUT = {
    "domain": 7,
    "record": 14,
    "governance": 20,
    "config": 9,
    "evidence": 1,
    "": 3,
}


class TestTheSet:
    @pytest.mark.parametrize(("namespace", "size"), SPELT_OUT.items())
    def test_each_namespace_has_so_many(self, namespace, size):
        found = [each for each in TYPE_KEYS if each.rpartition(".")[0] == namespace]

        assert len(found) == size

    def test_there_are_no_others(self):
        assert len(TYPE_KEYS) == sum(SPELT_OUT.values())

    @pytest.mark.parametrize("key", sorted(TYPE_KEYS))
    def test_each_is_read_as_it_is(self, key):
        assert parse_type_key(key) == key

    @pytest.mark.parametrize(
        ("text", "nearest"),
        [
            ("governance.contract", "governance.arch_contract"),
            ("governance.dev_directiv", "governance.dev_directive"),
            ("record.waver", "record.waiver"),
            ("", "governance.dev_directive"),
            ("GOVERNANCE.TYPES", "governance.dev_directive"),
        ],
    )
    def test_any_other_is_refused_and_the_nearest_named(self, text, nearest):
        with pytest.raises(MalformedInput, match=nearest):
            parse_type_key(text)
