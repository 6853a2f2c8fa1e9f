import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from sr_core.adapters.system import SystemClock, UlidSource
from sr_core.ports.clock import Clock, IdSource

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


class Dial:
    """A clock that stands where it is put."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


def no_chance(_bits: int) -> int:
    return 0


def all_ones(bits: int) -> int:
    return (1 << bits) - 1


class TestSystemClock:
    def test_time_is_aware_and_in_utc(self):
        clock: Clock = SystemClock()

        assert clock.now().utcoffset() == timedelta(0)

    def test_time_does_not_stand_still_in_the_past(self):
        assert SystemClock().now() > NOON - timedelta(days=365)


class TestUlidSource:
    def test_form(self):
        ids: IdSource = UlidSource(SystemClock())

        assert re.fullmatch(r"loop_[0-7][0-9A-HJKMNP-TV-Z]{25}", ids.fresh("loop"))

    def test_known_answer(self):
        """The example of the ULID specification: 01ARZ3NDEK is 1469922850259 ms."""
        clock = Dial(
            datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=1469922850259)
        )

        assert (
            UlidSource(clock, randbits=no_chance).fresh("x")
            == "x_01ARZ3NDEK" + 16 * "0"
        )

    def test_the_largest_chance_fills_its_80_bits_and_no_more(self):
        clock = Dial(datetime.fromtimestamp(0, UTC))

        assert (
            UlidSource(clock, randbits=all_ones).fresh("x")
            == "x_" + 10 * "0" + 16 * "Z"
        )

    def test_within_one_millisecond_they_still_rise(self):
        ids = UlidSource(Dial())

        made = [ids.fresh("x") for _ in range(1000)]

        assert made == sorted(set(made))

    def test_chance_that_runs_over_carries(self):
        ids = UlidSource(Dial(), randbits=all_ones)

        first, second = ids.fresh("x"), ids.fresh("x")

        assert first < second
        assert second.endswith(16 * "0")

    def test_a_clock_put_back_changes_nothing(self):
        clock = Dial()
        ids = UlidSource(clock)
        before = ids.fresh("x")
        clock.at -= timedelta(days=1)

        assert ids.fresh("x") > before

    def test_prefixes_share_one_order(self):
        ids = UlidSource(Dial())

        first, second = ids.fresh("loop"), ids.fresh("cand")

        assert first.removeprefix("loop_") < second.removeprefix("cand_")

    def test_two_sources_do_not_meet(self):
        assert UlidSource(Dial()).fresh("x") != UlidSource(Dial()).fresh("x")

    def test_threads_do_not_meet(self):
        ids = UlidSource(Dial())

        with ThreadPoolExecutor(4) as pool:
            made = list(pool.map(lambda _: ids.fresh("x"), range(2000)))

        assert len(set(made)) == 2000

    def test_before_the_epoch_counting_starts_from_nothing(self):
        ids = UlidSource(Dial(datetime(1960, 1, 1, tzinfo=UTC)))

        assert ids.fresh("x") == "x_" + 26 * "0"

    def test_time_beyond_48_bits_is_a_bug(self):
        class FarFuture(UlidSource):
            def _milliseconds(self) -> int:
                return 1 << 48

        with pytest.raises(AssertionError, match="10889"):
            FarFuture(Dial()).fresh("x")
