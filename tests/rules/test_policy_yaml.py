"""What text is taken for a policy document at all, and that everything wrong is said at once."""

from __future__ import annotations

from time import process_time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from jitportal.rules.policy_document import PolicyDocumentError, load, unknown_names
from jitportal.rules.policy_lines import MOST_PROBLEMS, LineProblem
from jitportal.rules.policy_yaml import DEEPEST, LARGEST_BYTES
from tests.rules.documents import DEMO, SEED, SMALL, changed, line_of, problems


@pytest.mark.parametrize("text", ["", "\n\n", "# a remark\n"])
def test_an_empty_text_is_no_document(text: str) -> None:
    assert problems(text) == ["line 1: The document is empty. It begins with `elevation_policy:`."]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("policy", "line 1: This should be a mapping: keys, each with a colon and its value."),
        ("- elevation_policy", "line 1: This should be a mapping: keys, each with a colon and its value."),
        (
            "elevation_policy:",
            "line 1, elevation_policy: This has no value. Write its keys below it, indented, or take the line out.",
        ),
        (
            "elevation_policy: {}",
            "line 1, elevation_policy: No pathway is here. Add one of: `jit_access`, `temporary_access`, "
            "`break_glass`.",
        ),
        ("{}", "line 1: The document's key `elevation_policy` is missing. Everything stands below it."),
    ],
)
def test_a_document_has_its_own_key_and_a_pathway(text: str, expected: str) -> None:
    assert problems(text) == [expected]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("   broken: [a", "This isn't YAML: "),
        ("\tbroken: a", "A tab can't indent YAML. Use spaces."),
        ("    broken: a: b", "This isn't YAML: mapping values are not allowed here"),
        ("    broken: *", "`*` and `&` begin YAML's aliases and anchors."),
    ],
)
def test_broken_yaml_is_named_at_its_line(line: str, said: str) -> None:
    found = problems(changed("    requires: [manager_approval", f"{line}\n    requires: [manager_approval"))
    assert len(found) == 1
    number = line_of("    requires: [manager_approval")
    assert found[0].startswith((f"line {number}: {said}", f"line {number + 1}: {said}"))


def test_an_open_quote_is_named_with_the_line_it_begins_on() -> None:
    assert problems(f"{SEED}  roles: 'open\n  more: x\n") == [
        "line 21: This isn't YAML: found unexpected end of stream (while scanning a quoted scalar that begins on "
        "line 19). Look for a missing colon, quote or indent on this line or the one before. What follows "
        "couldn't be checked."
    ]


def test_billion_laughs_are_refused_before_they_are_multiplied() -> None:
    lines = ["a0: &a0 [lol, lol]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 30)]
    found = problems("\n".join(lines))
    assert any("Anchors such as `&a0` can't be used." in one for one in found)
    assert any("`*a0` stands for text elsewhere. Write it out here." in one for one in found)


@pytest.mark.parametrize(
    ("piece", "said"),
    [
        (
            "!!python/object/apply:os.system [id]",
            "YAML tags such as `tag:yaml.org,2002:python/object/apply:os",
        ),
        ("!custom x", "YAML tags such as `!custom` can't be used."),
        ("!!str 5", "YAML tags such as `tag:yaml.org,2002:str` can't be used."),
        ("&here app_ro", "Anchors such as `&here` can't be used."),
    ],
)
def test_tags_and_anchors_are_refused_with_nothing_said_twice(piece: str, said: str) -> None:
    found = problems(changed("entitlement: app_ro", f"entitlement: {piece}"))
    number = line_of("entitlement: app_ro")
    assert len(found) == 1
    assert found[0].startswith(f"line {number}, roles.reader.entitlement: {said}")


def test_merging_and_clever_keys_are_refused() -> None:
    assert problems(changed("    portal: {connector: portal}", "    portal: {<<: {connector: portal}}")) == [
        f"line {line_of('    portal:')}, targets.portal: `connector` is missing. Known here: `manual`, `portal`, "
        "`postgres`, `ssh`.",
        f"line {line_of('    portal:')}, targets.portal: `<<` can't be used to merge mappings. Write the keys out.",
    ]
    assert problems(changed("    portal:", "    ? [a, b]\n    : x\n    portal:")) == [
        f"line {line_of('    portal:')}, targets: A key is plain text, not a list or a mapping."
    ]


def test_a_second_document_is_refused() -> None:
    assert problems(f"{SEED}---\n{SEED}") == [
        f"line {SEED.count(chr(10)) + 1}: A second YAML document begins here. Keep one."
    ]


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_deep_nesting_is_refused_at_once(opening: str) -> None:
    assert problems(opening * 100_000) == [
        f"line 1: This is nested more than {DEEPEST} levels deep. Flatten it."
    ]


def test_a_document_has_a_largest_size() -> None:
    fits = SEED + "#" * (LARGEST_BYTES - len(SEED))
    assert problems(fits) == []
    assert problems(f"{fits}#") == [
        "line 1: The document has 524,289 bytes, and 524,288 are allowed. Shorten it."
    ]
    assert len(problems(SEED + "é" * (LARGEST_BYTES // 2))) == 1


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x1b", "\x7f", "\x85", "\u2028", "\u202e", "\ud800"])
def test_characters_that_arent_text_or_hide_it_are_named(character: str) -> None:
    found = problems(SEED.replace("db-troubleshooting", f"db-trouble{character}shooting"))
    code = f"U+{ord(character):04X}"
    assert found == [f"line 5: The character {code} isn't text, or hides text from a reader. Take it out."]


def test_everything_that_is_wrong_is_said_at_once_in_order() -> None:
    """Mistakes of every kind: broken values don't hide what contradicts, nor the other way round."""
    text = SMALL
    for old, new in (
        ("full_audit_log]", "full_audt_log]"),
        ("allowed_for: [migration]", "allowed_for: [migration, reader]"),
        ("    outage: {name: Outage}", "    outage: {name: no}"),
        ("port: 5432", "port: 5432, password: x"),
        ("entitlement: app_ro", "entitlement: &e app_ro"),
        ("{name: short, max_minutes: 15,", "{name: short, max_minutes: 1:30,"),
        ("{name: first, decides: manager}", "{name: first, decides: manger}"),
        ("people: 2}", "people: 2}\n        - {name: second, decides: manager, people: 3}"),
        ("max_minutes: 30", "max_minutes: 90"),
        ("risk: high", "risk: hgih\n      recommended_days: 20"),
        ("entitlement: app_rescue", "entitlement: app_ddl\n      colour: red"),
    ):
        text = changed(old, new, text)
    found = problems(text)
    assert [one.split(": ")[0].split(", ")[1] for one in found] == [
        "jit_access.requires[2]",
        "temporary_access.allowed_for[1]",
        "criteria.outage.name",
        "targets.db.settings.password",
        "roles.reader.entitlement",
        "roles.reader.system_approval[0].max_minutes",
        "roles.writer.stages",
        "roles.writer.stages[0].decides",
        "roles.writer.stages[2]",
        "roles.writer.max_minutes",
        "roles.migration",
        "roles.migration.risk",
        "roles.migration.recommended_days",
        "roles.rescue.colour",
    ]


def test_a_list_of_problems_stays_readable() -> None:
    found = problems("elevation_policy:\n" + "".join(f"  key{number}: x\n" for number in range(1000)))
    assert len(found) == MOST_PROBLEMS + 1
    assert "More problems follow from here" in found[-1]


#: Of one processor. What follows takes about one of them; what compares each with each takes many more.
SECONDS = 10
LONG_LISTS = {
    "names": "elevation_policy: {jit_access: {requires: [], allowed_for: ["
    + ", ".join(f"k{number}" for number in range(25_000))
    + "]}}",
    "mistakes": "elevation_policy: {jit_access: {requires: [], allowed_for: ["
    + ", ".join(f"K{number}" for number in range(25_000))
    + "]}}",
    "stages": changed(
        "        - {name: first, decides: manager}\n", "        - {decides: {team: t}, people: 20}\n" * 5_000
    ),
}


@pytest.mark.parametrize("kind", LONG_LISTS)
def test_a_long_document_is_judged_in_seconds(kind: str) -> None:
    started = process_time()
    found = problems(LONG_LISTS[kind])
    assert process_time() - started < SECONDS
    assert (found == []) == (kind == "names")


def test_a_large_directory_is_compared_in_seconds() -> None:
    document = load(
        changed("people: [lena]", f"people: [{', '.join(f'person-{number}' for number in range(5_000))}]")
    )
    started = process_time()
    found = unknown_names(document, {f"person-x{number}" for number in range(5_000)}, {"platform", "dba"})
    assert process_time() - started < SECONDS
    assert len(found) == MOST_PROBLEMS + 1


def _load_or_refuse(text: str) -> None:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").count("\n") + 1
    found: tuple[LineProblem, ...] = ()
    try:
        load(text)
    except PolicyDocumentError as error:
        found = error.problems
    assert all(1 <= problem.line <= lines for problem in found)
    assert all(problem.sentence.endswith((".", "?", "`")) for problem in found)


@given(st.text(st.characters(), max_size=300))
def test_any_text_loads_or_is_refused_in_sentences(text: str) -> None:
    _load_or_refuse(text)


@given(st.integers(0, len(DEMO.read_text()) - 1), st.integers(0, 40), st.text(max_size=8))
def test_a_damaged_document_loads_or_is_refused_in_sentences(start: int, length: int, other: str) -> None:
    text = DEMO.read_text()
    _load_or_refuse(text[:start] + other + text[start + length :])


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=3)
    ),
    max_leaves=8,
)


def _paths(data: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The path of every value in the data."""
    inner: list[tuple[str | int, ...]] = [path]
    if isinstance(data, dict):
        for key, value in data.items():
            inner += _paths(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            inner += _paths(value, (*path, index))
    return inner


@given(st.data())
def test_any_value_in_any_place_is_refused_in_sentences(data: st.DataObject) -> None:
    document = yaml.safe_load(SMALL)
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(_paths(document)[1:]))
        holder = document
        for step in path[:-1]:
            holder = holder[step]
        holder[path[-1]] = data.draw(_ANYTHING)
    _load_or_refuse(yaml.safe_dump(document))
