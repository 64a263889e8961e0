"""The echo over datagrams: a directed scenario for every UDP clause, as a class that others subclass.

The fence is another request, which ends every scenario: a reply too many would come before its reply. A network
between the two may lose datagrams, so check a server from the machine it runs on.
"""

from socketserver_reference.conformance.checks.base import Conformance, Explore, Play, decides
from socketserver_reference.conformance.dialects.rewrite import DatagramRewriter
from socketserver_reference.conformance.oracles.datagram import DatagramOracle
from socketserver_reference.conformance.scenario.steps import Close, Connect, Say, Send, Settle, Stall, Step

ROUNDS_AT_ONCE = 50
"""Times that several clients ask at once: a server may have answered one when the next datagram comes."""

DEAF_REQUESTS = 12
"""Requests of a client that does not read: more than Linux holds for one on a Unix socket (net.unix.max_dgram_qlen)."""

DEAF_CLIENTS = 36
"""Clients that do not read: more replies than the send buffer of a Unix socket holds (measured: 278)."""


class DatagramConformance(Conformance):
    """See the module."""

    protocol = "datagram"
    groups = ("UDP",)
    oracle = DatagramOracle
    rewriter = DatagramRewriter
    health_check = (Connect("first"), Say("first", b"hello"))
    health_clause = "UDP-1"

    @staticmethod
    def asking(*requests: bytes) -> list[Step]:
        """Return the steps of one client that asks all this."""
        return [Connect("ann"), *(Say("ann", request) for request in requests)]

    @decides("UDP-1")
    def test_each_request_gets_one_reply(self, play: Play) -> None:
        lines = b"\xe9t\xe9\nand more\n"  # a server that reads lines may fail over the first, and lose the second
        play(*self.asking(b"hello\n", b" Hello, World!\t", bytes(range(256)), lines, b"twice", b"twice", b" \n", b"0"))

    @decides("UDP-1")
    def test_each_client_gets_its_own_reply(self, play: Play) -> None:
        names = ["ben", "cal", "dan"]
        turns = [Say(who, f"{who} {count}".encode()) for count in range(5) for who in names]
        play(*(Connect(who) for who in names), *turns)

    @decides("UDP-1")
    def test_each_of_several_who_ask_at_once_gets_a_reply(self, play: Play) -> None:
        names = ["ben", "cal", "dan", "eve"]
        at_once: list[Step] = [*(Send(who, b"I am " + who.encode()) for who in names), Settle()]
        play(*(Connect(who) for who in names), *at_once * ROUNDS_AT_ONCE)

    @decides("UDP-2")
    def test_the_reply_comes_from_where_the_request_went(self, play: Play) -> None:
        play(*self.asking(b"where are you?"))

    @decides("UDP-3")
    def test_an_empty_datagram_gets_an_empty_one(self, play: Play) -> None:
        play(*self.asking(b"", b"between", b"", b""))

    @decides("UDP-4")
    def test_long_datagrams_are_answered_up_to_a_limit(self, play: Play) -> None:
        play(*self.asking(b"a" * 1025, b"b" * 4096, b"c" * 8191, b"d" * 8192, b"e" * 8193 + b"\n", b"f" * 20000))

    def test_explore_politely(self, explore: Explore) -> None:
        explore("basic")

    @decides("UDP-5")
    def test_a_client_that_has_gone_disturbs_no_other(self, play: Play) -> None:
        gone = [
            step
            for count in range(20)
            for step in (
                Connect(f"x{count}"),
                Send(f"x{count}", b"bye"),
                Close(f"x{count}"),
                Say("ben", b"still there?"),
            )
        ]
        play(Connect("ben"), *gone)

    @decides("UDP-5")
    def test_clients_that_do_not_read_disturb_no_other(self, play: Play) -> None:
        deaf: list[Step] = []
        many = play.dialect.limits.rounds(DEAF_CLIENTS, utterances=DEAF_REQUESTS + 1, joins=1)
        for who in (f"x{count}" for count in range(many)):
            asking: list[Step] = [Send(who, b"can you hear me?")] * DEAF_REQUESTS
            deaf += [Connect(who), Stall(who), *asking, Say("ben", b"I can")]
        play(Connect("ben"), *deaf)

    def test_explore_abruptly(self, explore: Explore) -> None:
        explore("hardened")
