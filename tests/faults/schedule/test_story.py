"""How a schedule is told."""

from socketserver_faults.schedule.core.run import ScheduleEvent, ScheduleTrace
from socketserver_faults.schedule.exploration.story import lanes


def test_what_a_program_says_cannot_reach_the_terminal() -> None:
    story = lanes(ScheduleTrace([ScheduleEvent("T1", "fails with OSError: \x1b[31mred\r\n", "T2 \x07")]))
    assert all(line.isprintable() for line in story)
    assert "\\x1b[31mred" in "".join(story)


def test_a_long_schedule_is_cut_in_the_middle_and_a_deviation_of_the_server_itself_is_told() -> None:
    begin = [ScheduleEvent("main", f"works {number}", "" if number else "T1 works") for number in range(3)]
    middle = [ScheduleEvent("T1", f"works hard {number}") for number in range(100)]
    told = lanes(ScheduleTrace([*begin, *middle, ScheduleEvent("elsewhere", "is noted", note=True)]))
    assert told[1:4] == [
        "  HERE main goes first, before T1 works",
        "  main works 0",
        "                           works hard 0",
    ]
    assert told[31] == "  ... 43 lines left out ..."
    assert told[-1] == "  elsewhere is noted"


def test_what_a_thread_does_again_and_again_is_told_once() -> None:
    looks, reads = ScheduleEvent("T1", "takes mutex"), ScheduleEvent("T1", "reads from ann")
    told = lanes(ScheduleTrace([looks, looks, looks, reads, *[looks] * 20, reads]))
    assert [" ".join(line.split()) for line in told[1:]] == [
        *["takes mutex"] * 3,
        "reads from ann",
        "takes mutex, 20 times",
        "reads from ann",
    ]


def test_what_threads_do_in_turn_again_and_again_is_told_once() -> None:
    begin = [ScheduleEvent("T1", "reads from ann"), ScheduleEvent("T2", "reads from ben")]
    rounds = [
        event
        for number in range(105, 130)
        for event in (
            ScheduleEvent("T1", f"reads the end of ann, {number} times now"),
            ScheduleEvent("T2", "sends b'' to ann"),
        )
    ]
    told = lanes(ScheduleTrace([*begin, *rounds, *begin * 3, ScheduleEvent("T1", "ends")]))
    assert [" ".join(line.split()) for line in told[1:]] == [
        *["reads from ann", "reads from ben"],
        *["reads the end of ann", "sends b'' to ann", "and so on: these 2", "steps 25 times"],
        *["reads from ann", "reads from ben"] * 3,
        "ends",
    ]
