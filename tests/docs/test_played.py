"""What the site draws has been played: scenarios against the reference, and faults under the scheduler."""

import pytest

from docs.derive import drawings, races
from docs.derive.markdown import docstring, fence, table
from socketserver_faults.catalogue.index import catalogue


@pytest.mark.parametrize("protocol", ["datagram", "echo"])
def test_a_directed_scenario_is_drawn_as_the_reference_plays_it(protocol: str) -> None:
    read = 0
    for clause, _, transcripts in drawings.play_all(protocol):
        html = drawings.drawing(clause, transcripts[0])
        read += 'class="reads' in html
        assert html.startswith('<div class="drawn-exchange"><div class="exchange')
        assert "\n\n" not in html  # it would end there, for Markdown
        assert "The violation shows here" not in html
        assert len(html) < 120_000
    assert read >= 5


def test_the_styles_of_a_drawing_apply_to_drawings_alone_in_light_and_dark() -> None:
    css = drawings.styles()
    assert css.count("--paper:") >= 3
    assert 'body[data-theme="dark"]' in css
    assert ".drawn-exchange {\n" in css


def test_a_fault_has_a_story_under_the_scheduler() -> None:
    assert set(races.SCENARIOS_OF) <= set(catalogue())
    story = races.told("closed-request")
    assert story.startswith("$ socketserver-faults schedule closed-request greet\n\nclosed-request fails in greet")
    assert "again: socketserver-faults schedule closed-request --replay greet:" in story
    assert races.told("greets") == ""


def test_a_scenario_that_does_not_show_its_fault_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(races.SCENARIOS_OF, "greets", "turnover")
    monkeypatch.setattr(races, "MAX_SCHEDULES", 3)
    monkeypatch.setitem(races.SCENARIOS_OF, "waits-for-acknowledgements", "greet")
    with pytest.raises(races.NotShown, match="does not show waits-for-acknowledgements"):
        races.told("waits-for-acknowledgements")


def test_a_docstring_becomes_markdown() -> None:
    text = "One *thing*::\n\n    code <b>\n\n      more\n\nHeading\n-------\n\n1. [CHAT-7] a_b\n2. `x_y` <b>"
    assert docstring(text) == (
        "One *thing*:\n\n```text\ncode <b>\n\n  more\n```\n\n## Heading\n\n1. \\[CHAT-7\\] a\\_b\n2. `x_y` \\<b\\>"
    )


def test_a_fence_and_a_table_hold_whatever_is_in_them() -> None:
    assert fence("```\nx\n```") == "````text\n```\nx\n```\n````"
    assert table(("a", "b"), [("x|y", "z")]) == "| a | b |\n| --- | --- |\n| x\\|y | z |"
