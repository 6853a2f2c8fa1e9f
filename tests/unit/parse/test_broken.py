"""R-YML-1, R-YML-2: what is no scenario is refused at its place, and says the remedy."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from pytest_sr.parse import Code, Problem, ScenarioRefused, parse_file
from pytest_sr.parse.characters import SIZE_BYTES_MAX
from pytest_sr.parse.load import DEPTH_MAX, EVENTS_MAX, SCALAR_CHARS_MAX
from pytest_sr.parse.problems import PROBLEMS_MAX, did_you_mean
from pytest_sr.scenario import Scenario

BROKEN = Path(__file__).parent / "broken"
INDEX = yaml.safe_load((BROKEN / "index.yaml").read_text(encoding="utf-8"))
FILES = sorted(path.stem for path in BROKEN.glob("*.yaml") if path.stem != "index")


def refused(
    parse: Callable[[str | bytes], Scenario], text: str | bytes
) -> ScenarioRefused:
    with pytest.raises(ScenarioRefused) as caught:
        parse(text)
    return caught.value


def at(problem: Problem) -> str:
    return f"{problem.place.line}:{problem.place.column}"


class TestBrokenFiles:
    """A table of files, each with what has to be said of it, and where."""

    def test_every_file_is_in_the_index(self):
        assert sorted(INDEX) == FILES
        assert len(FILES) >= 40

    @pytest.mark.parametrize("name", FILES)
    def test_is_refused_at_its_place(self, parse, name):
        expected = INDEX[name]

        errors = refused(parse, (BROKEN / f"{name}.yaml").read_bytes()).errors

        said = [
            (at(each), each.code, f"{each.found}. {each.remedy}.") for each in errors
        ]
        assert [
            told
            for place, code, told in said
            if (place, code) == (expected["at"], expected["code"])
            and expected["says"] in told
        ], said
        assert len(errors) == expected.get("of", 1), said

    def test_most_codes_are_met(self):
        met = {each["code"] for each in INDEX.values()}

        assert set(Code) - met == {
            *(Code.UNREADABLE, Code.TOO_LARGE, Code.NOT_UTF8, Code.TOO_DEEP),
        }


class TestBytes:
    """R-YML-1: UTF-8, without a mark, and nothing in it that does not show."""

    @pytest.mark.parametrize(
        ("before", "place", "says"),
        [
            (b"\xef\xbb\xbf", "1:1", "byte order mark"),
            (b"# \xe9\n", "1:3", "the byte 0xe9 is not UTF-8"),
            ("# é\n# ".encode() + b"\xff\n", "2:3", "the byte 0xff is not UTF-8"),
            (b"# a\r\n# \x00\n", "2:3", "U+0000"),
            (b"# \x1b[31m\n", "1:3", "U+001B"),
            ("# a\u2028b\n".encode(), "1:4", "U+2028"),
            ("# a\u202eb\n".encode(), "1:4", "U+202E"),
            (b"# \xed\xa0\x80\n", "1:3", "is not UTF-8"),
        ],
    )
    def test_is_refused_at_the_first_bad_one(self, parse, a_file, before, place, says):
        error = refused(parse, before + a_file().encode())

        assert [at(each) for each in error.errors] == [place]
        assert says in str(error)

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
    def test_utf_16_is_named(self, parse, a_file, encoding):
        error = refused(parse, a_file().encode(encoding))

        assert "the file is UTF-16. Save it as UTF-8." in str(error)

    def test_lone_surrogates_are_refused(self, parse, a_file):
        assert "U+D800" in str(refused(parse, "# \ud800\n" + a_file()))

    def test_line_ends_of_another_system_are_the_same(self, parse, a_file):
        here, there = parse(a_file()), parse(a_file().replace("\n", "\r\n"))

        assert here.claims == there.claims


class TestBounds:
    """R-YML-1: everything has a bound, which is met before anything is built."""

    def test_a_file_of_the_largest_size_is_read(self, parse, a_file):
        text = a_file()
        filling = "#" * 100 + "\n"
        text += filling * ((SIZE_BYTES_MAX - len(text)) // len(filling))

        assert parse(text).name == "a-story"

    def test_a_byte_more_is_refused(self, parse):
        error = refused(parse, b"#" * (SIZE_BYTES_MAX + 1))

        assert error.errors[0].code is Code.TOO_LARGE

    def test_size_is_counted_in_bytes(self, parse):
        error = refused(parse, "# " + "é" * (SIZE_BYTES_MAX // 2))

        assert error.errors[0].code is Code.TOO_LARGE

    @pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
    def test_deep_nesting_is_refused(self, parse, opening):
        error = refused(parse, opening * (100_000 // len(opening)))

        assert [each.code for each in error.errors] == [Code.TOO_DEEP]

    def test_the_deepest_allowed_is_read(self, parse):
        depth = DEPTH_MAX - 1  # the file itself is a map

        error = refused(parse, "a: " + "[" * depth + "]" * depth)

        assert Code.TOO_DEEP not in {each.code for each in error.errors}

    def test_one_deeper_is_refused(self, parse):
        error = refused(parse, "a: " + "[" * DEPTH_MAX + "]" * DEPTH_MAX)

        assert [(at(each), each.code) for each in error.errors] == [
            (f"1:{3 + DEPTH_MAX}", Code.TOO_DEEP)
        ]

    @pytest.mark.parametrize("item", ["1, ", "[], ", '"", '])
    def test_many_values_are_refused(self, parse, item):
        error = refused(parse, f"tags: [{item * EVENTS_MAX}]")

        assert [each.code for each in error.errors] == [Code.TOO_MANY]

    def test_a_long_value_is_refused_where_it_begins(self, parse):
        error = refused(parse, f"title: {'x' * (SCALAR_CHARS_MAX + 1)}")

        assert [(at(each), each.code) for each in error.errors] == [
            ("1:8", Code.TOO_LARGE)
        ]

    def test_so_many_problems_are_enough(self, parse):
        error = refused(parse, "".join(f"key-{at}: 1\n" for at in range(5_000)))

        assert len(error.errors) == PROBLEMS_MAX


class TestTogether:
    """All problems of a file are told at once, a line each, in its order."""

    def test_independent_problems_come_together(self, parse, a_file):
        text = a_file("heal: lost", "heal: lots")
        text = text.replace("within: 10s", "within: ten")
        text = text.replace("mutant: verifier", "mutant: verifyer")

        error = refused(parse, text)

        assert [each.code for each in error.errors] == [
            *(Code.UNKNOWN_NAME, Code.BAD_DURATION, Code.UNKNOWN_MUTANT)
        ]

    def test_each_is_a_line(self, parse, a_file):
        text = a_file("title:", "titel:")

        assert str(refused(parse, text)).splitlines() == [
            "a-story.scenario.yaml:1:1: the file has no `title`. Give it `title:`.",
            "a-story.scenario.yaml:2:1: the file has no key `titel`. Did you mean `title`?",
        ]

    def test_an_unknown_step_makes_its_name_all_the_same(self, parse, a_file):
        error = refused(parse, a_file("- run.completed", "- run.complete"))

        assert [each.code for each in error.errors] == [Code.UNKNOWN_STEP]


class TestAdvice:
    def test_names_no_more_than_a_person_would_read(self):
        advice = did_you_mean("x", [f"choice-{at}" for at in range(100)])

        assert "`choice-19`" in advice
        assert "`choice-20`" not in advice


class TestSecrets:
    """R-YML-6: what stands under a key named like a secret is not repeated."""

    @pytest.mark.parametrize(
        "written",
        [
            "password: [hunter2]",
            "password: {hunter2: 1, hunter2: 2}",
            "password: {1: {hunter2: 2, hunter2: 3}}",
            'password: "${hunter2}"',
            'password: "${run.hunter2}"',
            'password: "${hunter2 }"',
            'password: "x ${hunter2.x} y"',
            "api_key: hunter2",
            "age: {secret: hunter2, Access-Token: hunter2}",
            "password: !hunter2 x",
            "password: *hunter2",
            "password: 'hunter2",
            "password: hunter2: x",
        ],
    )
    def test_is_not_in_any_message(self, parse, a_file, written):
        step = f"  - user.login: {{user: me, {written}}}\n"

        error = refused(parse, a_file("  - heal: lost\n", step + "  - heal: lost\n"))

        assert "hunter2" not in str(error)

    def test_what_stands_elsewhere_is(self, parse, a_file):
        error = refused(parse, a_file("within: 10s", "within: hunter2"))

        assert "hunter2" in str(error)

    def test_what_a_terminal_would_obey_is_not_repeated(self, parse, a_file):
        error = refused(parse, a_file("status: 409", r'status: "\e[31m"'))

        assert "\x1b" not in str(error)
        assert "[31m" in str(error)


class TestFiles:
    """The file itself can be what is wrong."""

    def test_a_missing_file_is_refused(self, tmp_path, registries):
        with pytest.raises(ScenarioRefused, match=r"x\.yaml:1:1: .*cannot be read"):
            parse_file(tmp_path / "x.yaml", registries, shown_as="x.yaml")

    def test_a_folder_is_refused(self, tmp_path, registries):
        with pytest.raises(ScenarioRefused, match="cannot be read"):
            parse_file(tmp_path, registries, shown_as="x.yaml")

    def test_a_huge_file_is_read_no_further_than_the_bound(self, tmp_path, registries):
        path = tmp_path / "huge.scenario.yaml"
        with path.open("wb") as file:
            file.truncate(2**40)

        with pytest.raises(ScenarioRefused, match="more than 262144 bytes"):
            parse_file(path, registries, shown_as=path.name)
