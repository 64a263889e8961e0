"""The checks of the SRV clauses, decided where the server runs, as a class to subclass.

    class TestMine(ServerConformance):
        target = ServerSpec("mine", "tcp", "threading", make)

In most checks the server runs a handler that only reports (`probes.py`); in those about rooms, workers and the end it
runs the program's own. A check can hold a handler at a known point, so no result depends on speed. A check waits at
most `NEGATIVE_CHECK_SECONDS` for an event that must not happen: a server where it happens later passes, and no correct
server fails.
"""

from collections.abc import Iterator

from socketserver_reference.conformance.checks.base import decides
from socketserver_reference.conformance.inprocess.coordinator import PhaseReport, key
from socketserver_reference.conformance.inprocess.server_session import ServerSession, SessionClient
from socketserver_reference.conformance.inprocess.serving_checks import ServingChecks
from socketserver_reference.conformance.inprocess.support import (
    NEGATIVE_CHECK_SECONDS,
    describe_end,
    is_answered,
    join_room,
    phase_names,
    speak,
)
from socketserver_reference.conformance.results.outcomes import NotApplicable, NotChecked

CONVERSATION_UTTERANCES = 3
"""Utterances that make a conversation."""


class ServerConformance(ServingChecks):
    """See the module. `timeout` is in seconds, for any event that must come."""

    # The life cycle

    @decides("SRV-1")
    def test_a_handler_knows_its_request_its_client_and_its_server(self) -> None:
        with self.session() as session:
            ann = session.connect("ann")
            event = session.wait("ann", "setup") or next(iter(session.coordinator.events), None)
            if event is None:
                raise self.unserved(session, "ann")
            for expected, observed in self._misinformed(session, ann, event):
                raise session.violation("SRV-1", expected, observed)

    def _misinformed(self, session: ServerSession, ann: SessionClient, event: PhaseReport) -> Iterator[tuple[str, str]]:
        """Yield each wrong attribute of a handler: the expected value, and the observed one."""
        seen, address = event.seen, key(ann.address)
        addresses = [address, key("")] if self.target.transport == "unix" else [address]
        if self.target.datagram:
            if seen["kind"] != "pair" or not seen["socket"]:
                what = f"a {seen['kind']}" + ("" if seen["socket"] else " without the server's socket")
                yield "request is a pair: the datagram's bytes and the server's socket", f"it is {what}"
            if seen["label"] != ann.name:
                yield f"the datagram is {ann.name.encode()!r}", f"it is {seen['label'].encode()!r}"
        elif seen["kind"] != "connection" or seen["peer"] != address:
            what = f"a {seen['kind']}" + (f" with {seen['peer']}" if seen["peer"] else " with no peer")
            yield f"request is the connection with {address}", f"it is {what}"
        if seen["client_address"] not in addresses:
            yield f"client_address is {' or '.join(addresses)}", f"it is {seen['client_address']}"
        if seen["server"] != session.host.server:
            yield "server is the server", "it is another object"

    @decides("SRV-2")
    def test_setup_handle_and_finish_run_once_each_and_in_this_order(self) -> None:
        self._runs("setup", "handle", "finish")
        self._runs("setup", "handle", "handled", "finish", own=True)

    @decides("SRV-2")
    def test_finish_runs_when_handle_raises(self) -> None:
        self._runs("setup", "handle", "finish", raising="handle")
        self._runs("setup", "handle", "finish", raising="handle", own=True)

    @decides("SRV-2")
    def test_nothing_runs_after_setup_has_raised(self) -> None:
        self._runs("setup", raising="setup")
        self._runs("setup", raising="setup", own=True)

    def _runs(self, *phases: str, raising: str = "", own: bool = False) -> None:
        """Serve one request until its handler and the server have ended, and check the phases that ran."""
        with self.session(own=own) as session:
            session.plan("raise", "ann", *([raising] if raising else []))
            ann = session.connect("ann")
            self.began(session, "ann", phases[0])
            if own and not self.target.datagram:
                ann.half_close()
            session.wait("ann", phases[-1])
            if not self.target.datagram:
                ann.ends()
            session.end()
            ran = [event.phase for event in session.coordinator.of("ann")]
            if own and not raising and "handled" not in ran:
                raise NotChecked("handle does not return though its client has left, which other clauses are about")
            if ran != list(phases):
                expected = f"what runs is {phase_names(phases)}" + (f", as {raising} raises" if raising else "")
                raise session.violation("SRV-2", expected, f"what runs is {phase_names(ran)}")

    @decides("SRV-3")
    def test_the_request_is_open_in_all_three_and_closed_straight_after(self) -> None:
        with self.session() as session:
            session.plan("send", "ann", "setup", "handle", "finish")
            session.hold("ann", "finish")
            ann = session.connect("ann")
            event = session.wait("ann", "finish")
            if event is None or list(self._misinformed(session, ann, event)):
                raise NotChecked("finish does not run, or not with its request: SRV-1 and SRV-2 are about that")
            early = ann.hears(b"setup handle ")
            session.release("ann", "finish")
            if not early or not ann.hears(b"setup handle finish "):
                said = ", ".join(ann.heard.decode("ascii", "replace").split()) or "nothing"
                raise session.violation("SRV-3", "each of setup, handle, finish can send to ann", f"ann hears {said}")
            if self.target.datagram:
                self.served(session, "ben", "SRV-3", "the server's socket stays open")
                return
            if not ann.ends() or ann.ended != "eof":
                raise session.violation("SRV-3", "ann reads end of stream straight after finish", describe_end(ann))
            if not ann.finds_it_closed():
                raise session.violation("SRV-3", "the request is closed straight after finish", "it is only shut down")

    @decides("SRV-3")
    def test_handle_does_not_return_while_a_worker_uses_the_request(self) -> None:
        if self.target.datagram:
            raise NotApplicable("a datagram's request has nothing to close")
        with self.session(own=True) as session:
            ann = self.arrives(session, "ann")
            early = session.coordinator.wait("ann", "handled", NEGATIVE_CHECK_SECONDS)
            for count in range(CONVERSATION_UTTERANCES if self.target.chat else 1):
                if not is_answered(ann, count):
                    break
            returned = session.coordinator.find("ann", "handled")
            if returned is None or returned.seen["error"]:
                return
            expected = "handle returns when no thread uses the request any more"
            if returned.seen["workers"]:
                raise session.violation("SRV-3", expected, "handle returns while a thread that it started still runs")
            if early:
                raise session.violation("SRV-3", expected, "handle returns before ann has spoken or left")

    # Concurrency

    @decides("SRV-4")
    def test_connections_are_accepted_and_served_one_at_a_time(self) -> None:
        self.only_for("sync", "one at a time")
        with self.session() as session:
            session.hold("ann", "handle")
            session.connect("ann")
            ann = self.began(session, "ann")
            for name in ("ben", "cal"):
                self._accepted(session, name)
            # The loop itself can serve no second client; but a server may also serve one at a time elsewhere.
            elsewhere = (ann.seen["process"], ann.seen["thread"]) != session.host.loop
            if elsewhere and session.wait("ben", "setup"):
                raise session.violation("SRV-4", "ben is served when ann's handler has ended", "ben is served before")
            session.release("ann", "handle")
            for name in ("ben", "cal"):
                if session.wait(name, "finish") is None:
                    raise session.violation("SRV-4", f"{name} is served next", f"{name} is not served")
            clients = [event.client for event in session.coordinator.events]
            if clients != sorted(clients, key=clients.index):
                raise session.violation("SRV-4", "one is served after the other", "their handlers overlap")

    def _accepted(self, session: ServerSession, name: str) -> None:
        try:
            session.connect(name)
        except NotChecked as error:
            raise session.violation("SRV-4", f"{name} can connect while ann is served", str(error)) from None

    @decides("SRV-5")
    def test_a_silent_client_delays_nobody(self) -> None:
        self.only_for("threading", "by threads")
        with self.session() as session:
            session.hold("lou", "handle")
            session.connect("lou")
            for name in ("ann", "ben"):
                self.served(session, name, "SRV-5", "while lou, who says nothing, is served too")
            if session.wait("lou", "handle") is None:
                raise session.violation("SRV-5", "lou, who says nothing, is served too", "lou is not served")

    @decides("SRV-6")
    def test_handlers_run_at_once_in_processes_that_share_no_memory(self) -> None:
        self.only_for("forking", "by processes")
        with self.session() as session:
            session.hold("lou", "handle")
            session.connect("lou")
            lou = self.began(session, "lou")
            events = [lou, *(self.served(session, who, "SRV-6", "while lou is served too") for who in ("ann", "ben"))]
            processes = {session.host.loop[0], *(event.seen["process"] for event in events)}
            if len(processes) < 1 + len(events):
                raise session.violation(
                    "SRV-6", "each handler has a process of its own", "some run in the same process"
                )
            if any(event.seen["before"] for event in events):
                raise session.violation(
                    "SRV-6", "no handler finds what another has stored on the server", "memory is shared"
                )

    # Rooms

    @decides("SRV-7")
    def test_the_handlers_of_one_server_know_the_same_members(self) -> None:
        self.needs_room()
        with self.session(own=True) as session:
            ann, ben = join_room(session, "ann"), join_room(session, "ben")
            for speaker, listener in ((ann, ben), (ben, ann)):
                word = f"{speaker.name} to all\n".encode()
                speaker.say(word)
                if not listener.hears(word):
                    self.not_for_workers(session)
                    expected = f"{listener.name} hears what {speaker.name} says in the same room"
                    raise session.violation("SRV-7", expected, f"{listener.name} hears {listener.heard!r}")

    @decides("SRV-10")
    def test_two_servers_share_no_members(self) -> None:
        self.needs_room()
        if self.target.concurrency == "forking":
            raise NotApplicable("a forking server cannot hold a room, so there is nothing to share")
        with self.session(own=True) as here:
            ann = join_room(here, "ann")
            with ServerSession(self.target, self.timeout, self.forker, own=True, exchange=here.exchange) as there:
                ben = join_room(there, "ben")
                for speaker, listener in ((ann, ben), (ben, ann)):
                    word = f"{speaker.name} at home\n".encode()
                    speak(speaker, word)
                    speak(speaker, b"fence of %s\n" % word[:3])  # the word has been sent to all members
                    speak(
                        listener, b"fence for %s\n" % word[:3]
                    )  # all earlier deliveries to the listener have been read
                    if word in listener.heard:
                        expected = f"{listener.name} hears nothing of another server's room"
                        raise here.violation("SRV-10", expected, f"{listener.name} hears {word!r}")

    # Failing

    @decides("SRV-8")
    def test_an_exception_ends_its_own_connection_alone(self) -> None:
        with self.session() as session:
            at_once = self.target.concurrency != "sync"
            session.plan("send", "ann", "handle")
            session.hold("ann", "handle")
            self.control(session)
            ann = session.connect("ann") if at_once else None
            if at_once:
                self.began(session, "ann")
            for name, phase, after in (("ben", "setup", "cal"), ("dan", "handle", "eve"), ("fay", "finish", "gil")):
                session.plan("raise", name, phase)
                client = session.connect(name)
                if session.wait(name, phase) is None:
                    raise NotChecked(f"{phase} does not run: SRV-2 is about that")
                if not self.target.datagram and not client.ends():
                    raise session.violation(
                        "SRV-8", f"{name}'s connection ends as {phase} raises", describe_end(client)
                    )
                self.served(session, after, "SRV-8", f"after {phase} has raised for {name}")
            if ann is not None:
                session.release("ann", "handle")
                if not (session.wait("ann", "finish") if self.target.datagram else ann.hears(b"handle ")):
                    raise session.violation(
                        "SRV-8", "ann, who connected before all of them, is still served", describe_end(ann)
                    )

    @decides("SRV-8")
    def test_an_exception_leaves_the_room_in_order(self) -> None:
        self.needs_room()
        with self.session(own=True) as session:
            ann, ben = join_room(session, "ann"), join_room(session, "ben")
            session.plan("raise", "cal", "handle")
            cal = self.arrives(session, "cal")
            if not cal.ends():
                raise session.violation("SRV-8", "cal's connection ends as handle raises", describe_end(cal))
            session.wait_idle()
            for count in range(CONVERSATION_UTTERANCES):
                for client in (ann, ben):
                    word = f"{client.name} goes on {count}\n".encode()
                    client.say(word)
                    if not client.hears(word):
                        self.not_for_workers(session)
                        expected = f"the room goes on for {client.name}"
                        raise session.violation("SRV-8", expected, f"{client.name} no longer hears herself")

    # The end

    @decides("SRV-9")
    def test_a_server_ends_promptly_with_clients_connected_and_leaves_nothing_behind(self) -> None:
        threading = self.target.concurrency == "threading"
        with self.session(own=True) as session:
            if threading:
                session.hold("ann", "finish")
            for name in ("ann", "ben", "lou") if self.target.concurrency != "sync" else ("ann",):
                self.arrives(session, name)
            if self.target.datagram:  # there is no connection to close; a handler ends by itself
                session.wait("ann", "finish")
            session.ask_to_end()
            if threading:
                self._waited_for(session, "ann")
            if stuck := session.stuck():
                expected = "shutdown() and server_close() return promptly"
                raise session.violation("SRV-9", expected, f"{stuck} does not return")
            for client in session.clients if not self.target.datagram else []:
                if not client.ends() or client.ended != "eof":
                    raise session.violation("SRV-9", f"{client.name} reads end of stream", describe_end(client))
            self.leaves_nothing(session)

    def _waited_for(self, session: ServerSession, name: str) -> None:
        """Check that the server does not end while a handler is in finish; then let the handler continue."""
        if session.wait(name, "finish") and not session.host.stuck(NEGATIVE_CHECK_SECONDS):
            expected = "server_close() returns after the last handler has ended"
            raise session.violation("SRV-9", expected, f"it has returned, and {name}'s handler is still in finish")
        session.release(name, "finish")
