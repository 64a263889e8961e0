"""The echo over connections: a directed scenario for every ECHO clause, as a class that others subclass.

Clients come one after the other, since a synchronous server serves them so. End of stream is the fence: whatever the
server sends has come when it has hung up, so nothing here waits for silence.
"""

from socketserver_reference.conformance.checks.base import Conformance, Explore, Play, decides
from socketserver_reference.conformance.checks.visits import echo_visits
from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.dialects.rewrite import EchoRewriter
from socketserver_reference.conformance.oracles.echo import EchoOracle
from socketserver_reference.conformance.oracles.measured.exhaustion import Exhaustion
from socketserver_reference.conformance.oracles.stream_echo import StreamEchoOracle
from socketserver_reference.conformance.scenario.steps import (
    Abandon,
    Close,
    Connect,
    HalfClose,
    Pour,
    Quit,
    Reset,
    Say,
    Send,
    Settle,
    Step,
)
from socketserver_reference.conformance.scenario.text import numbered

ECHO_FLOOD_BYTES = 16 * 1024 * 1024
"""Bytes said to an echo at once: more than the kernels of both sides hold."""


def ask(who: str, request: bytes) -> list[Step]:
    """Return the steps of a whole visit: connect, ask, read to the end."""
    return [Connect(who), Say(who, request)]


def ask_each(*requests: bytes) -> list[Step]:
    """Return one visit for each request."""
    return [step for count, request in enumerate(requests, 1) for step in ask(f"client{count}", request)]


def flood(play: Play) -> bytes:
    """Return much to say at once; end the check where an echo answers once, or takes no stream."""
    dialect = play.dialect
    if not (dialect.persistent and dialect.raw) or dialect.limits.utterance or dialect.limits.pace:
        play.not_applicable("the dialect's echo is not an unlimited stream")
    return dialect.handled(numbered(ECHO_FLOOD_BYTES))


def oracle_for(dialect: Dialect) -> EchoOracle | StreamEchoOracle:
    """Return the oracle of a scenario: that of one request a connection, or of as many as the client likes."""
    return StreamEchoOracle(dialect) if dialect.persistent else EchoOracle(dialect)


class EchoConformance(Conformance):
    """See the module."""

    protocol = "echo"
    groups = ("ECHO",)
    oracle = oracle_for
    rewriter = EchoRewriter
    health_check = (Connect("silent"), HalfClose("silent"), *ask("first", b"hello\n"))
    health_clause = "ECHO-2"

    @decides("ECHO-1")
    def test_nothing_is_sent_to_a_client_that_says_nothing(self, play: Play) -> None:
        play(Connect("ann"), HalfClose("ann"), *ask("ben", b"hello"))

    @decides("ECHO-2")
    def test_a_request_is_stripped_and_upper_cased(self, play: Play) -> None:
        play(
            *ask_each(
                b"hello",
                b"Hello, World!\r\n",
                b" \t\n\x0b\x0c\rboth ends\n \t",
                b"in  side\tstays",
                b"A",
                b"0",  # which PHP and Perl take for nothing
                b"up to the last " * 68 + b"byte",
            )
        )

    @decides("ECHO-2")
    def test_other_bytes_stay_as_they_are(self, play: Play) -> None:
        play(
            *ask_each(
                bytes(range(256)), b"\0hello\0", b"\xe9t\xe9", "straße\n".encode(), b"\xff\xfe\xc3(", b"\xa0nbsp\xa0"
            )
        )

    @decides("ECHO-3")
    def test_the_whole_reply_then_end_of_stream(self, play: Play) -> None:
        play(*ask_each(b"x", b"y" * 1024, b"z" * 1000 + b"\n"))
        if play.dialect.persistent:
            several = [Say("zoe", b"%d more" % count) for count in range(20)]
            play(Connect("zoe"), *several, HalfClose("zoe"))
        if play.dialect.persistent and play.dialect.echo_quits:
            play(*ask("ann", b"hello"), Quit("ann"), Connect("ben"), Quit("ben"), *ask("cal", b"still there?"))

    @decides("ECHO-3")
    def test_much_comes_back_whole_however_it_is_read(self, play: Play) -> None:
        much = flood(play)
        for reads in (True, False):
            who = "ann" if reads else "ben"
            play(Connect(who), Pour(who, much, reads), Settle(), Say(who, b"that was all"), HalfClose(who))

    @decides("ECHO-4")
    def test_a_long_request_is_answered_in_part(self, play: Play) -> None:
        play(*ask_each(b"a" * 1025, b"0123456789 " * 400, b" " * 100 + b"b" * 5000, b"c" * 1024))

    @decides("ECHO-5")
    def test_white_space_alone_gets_an_empty_reply(self, play: Play) -> None:
        play(*ask_each(b"\n", b" ", b"\r\n", b" \t\n\r\x0b\x0c", b" " * 1024))

    def test_explore_politely(self, explore: Explore) -> None:
        explore("basic")

    @decides("ECHO-6")
    def test_a_client_that_half_closes_gets_the_reply(self, play: Play) -> None:
        visits: list[Step] = []
        for count in range(10):  # end of stream may overtake the reply, or not
            request = b"x" * 1024 if count % 2 else b"hello\n"
            visits += [Connect(f"client{count}"), Send(f"client{count}", request), HalfClose(f"client{count}")]
        play(*visits)

    @decides("ECHO-6")
    def test_much_comes_back_to_a_client_that_half_closes_at_once(self, play: Play) -> None:
        play(Connect("ann"), Pour("ann", flood(play)), HalfClose("ann"))

    @decides("ECHO-7")
    def test_a_client_that_leaves_disturbs_no_other(self, play: Play) -> None:
        ways: list[list[Step]] = []
        for way in (Close, Reset, Abandon):  # whether a server notices an abandoned connection may be chance
            name = way.__name__.lower()
            ways.append([Connect(f"silent-{name}"), way(f"silent-{name}")])
            ways.append([Connect(f"asked-{name}"), Send(f"asked-{name}", b"never mind"), way(f"asked-{name}")])
            ways.append([Connect(f"much-{name}"), Send(f"much-{name}", b"x" * 20000), way(f"much-{name}")])
        if play.dialect.persistent:  # at the second reply to a client that is gone, SIGPIPE ends a program in C
            several = [Send("several", b"request %d" % count, with_next=True) for count in range(3)]
            ways.insert(-3, [Connect("several"), *several, Abandon("several")])
        play(*(step for count, way in enumerate(ways) for step in (*way, *ask(f"client{count}", b"still there?"))))

    @decides("ECHO-8")
    def test_a_silent_client_delays_no_other(self, play: Play) -> None:
        play(Connect("silent"), *ask("ann", b"hello"), *ask("ben", b"hello"), HalfClose("silent"))
        alone = ["ann", "ben"]
        visits = [step for who in alone for step in (*ask(who, b"hello"), HalfClose(who))]
        play.measure_delay(*visits, Connect("silent"), *ask("cal", b"hello"), alone=alone, beside="cal")

    # First of the four that cost most: each waits longer for a server that never rests.

    @decides("ECHO-12")
    def test_the_server_rests_while_its_clients_do_nothing(self, play: Play) -> None:
        play.rest(*ask("ann", b"hello"), Connect("ben"))
        play.rest(Connect("ann"), Reset("ann"), *ask("ben", b"hello"), Connect("cal"))

    @decides("ECHO-9")
    def test_a_thousand_clients_leave_nothing_behind(self, play: Play) -> None:
        play.grow(echo_visits(play.dialect))

    @decides("ECHO-10")
    def test_clients_are_served_when_no_descriptor_is_left_for_others(self, play: Play) -> None:
        before, after = [Connect("ann")], [*ask("ben", b"hello"), *ask("cal", b"hello")]
        play.exhaust(Exhaustion(before, [Say("ann", b"still there?")], after))

    @decides("ECHO-11")
    def test_the_server_can_be_started_again_at_its_port_at_once(self, play: Play) -> None:
        play.come_back(*ask("ann", b"hello"), Connect("ben"))

    def test_explore_abruptly(self, explore: Explore) -> None:
        explore("hardened")
