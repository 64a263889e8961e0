"""The servers: what the SRV clauses promise, decided where the server runs, as a class that others subclass.

    class TestMine(ServerConformance):
        target = Served("mine", "tcp", "threading", make)

Most checks have the server run a handler that only reports (`probes.py`); those about rooms, workers and the end have
it run the program's own. A handler stops where a check wants it to, so nothing here depends on who is faster. What
must not happen is awaited for a `GLANCE` at most: a server that does it later gets away with it, and none is accused
wrongly.
"""

from collections.abc import Iterator

from socketserver_reference.conformance.checks.base import decides
from socketserver_reference.conformance.inprocess.coordinator import Event, key
from socketserver_reference.conformance.inprocess.hosts import Served
from socketserver_reference.conformance.inprocess.scene import Guest, Scene
from socketserver_reference.conformance.inprocess.support import ServerChecks, answered, ending, listed, settled, speaks
from socketserver_reference.conformance.results.outcomes import NotApplicable, NotChecked

__all__ = ["Served", "ServerConformance"]

GLANCE = 0.05
"""Seconds to look for what must not happen."""

WORDS = 3
"""Utterances after which a conversation may be called one."""


class ServerConformance(ServerChecks):
    """See the module. `timeout` is how long, in seconds, anything that must come may take."""

    # The life cycle

    @decides("SRV-1")
    def test_a_handler_knows_its_request_its_client_and_its_server(self) -> None:
        with self.scene() as scene:
            ann = scene.visit("ann")
            event = scene.wait("ann", "setup") or next(iter(scene.desk.events), None)
            if event is None:
                raise NotChecked("no handler runs")
            for expected, observed in self._misinformed(scene, ann, event):
                raise scene.violation("SRV-1", expected, observed)

    def _misinformed(self, scene: Scene, ann: Guest, event: Event) -> Iterator[tuple[str, str]]:
        """Find what a handler sees other than it is: what it should be, and what it is."""
        seen, address = event.seen, key(ann.address)
        addresses = [address, key("")] if self.target.transport == "unix" else [address]
        if self.target.datagram:
            if seen["kind"] != "pair" or not seen["socket"]:
                what = f"a {seen['kind']}" + ("" if seen["socket"] else " without the server's socket")
                yield "request is a pair: the datagram's bytes and the server's socket", f"it is {what}"
            if seen["label"] != ann.name:
                yield f"the datagram is {ann.name.encode()!r}", f"it is {seen['label'].encode()!r}"
        elif seen["kind"] != "connection" or seen["peer"] != address:
            what = f"a {seen['kind']}" + (f" with {seen['peer']}" if seen["peer"] else " with nobody")
            yield f"request is the connection with {address}", f"it is {what}"
        if seen["client_address"] not in addresses:
            yield f"client_address is {' or '.join(addresses)}", f"it is {seen['client_address']}"
        if seen["server"] != scene.host.server:
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
        """Serve one request, to the end of its handler and of the server, and see what has run."""
        with self.scene(own=own) as scene:
            scene.plan("raise", "ann", *([raising] if raising else []))
            ann = scene.visit("ann")
            self.began(scene, "ann", phases[0])
            if own and not self.target.datagram:
                ann.half_close()
            scene.wait("ann", phases[-1])
            if not self.target.datagram:
                ann.ends()
            scene.end()
            ran = [event.phase for event in scene.desk.of("ann")]
            if own and not raising and "handled" not in ran:
                raise NotChecked("handle does not return though its client has left: other clauses are about that")
            if ran != list(phases):
                expected = f"what runs is {listed(phases)}" + (f", as {raising} raises" if raising else "")
                raise scene.violation("SRV-2", expected, f"what runs is {listed(ran)}")

    @decides("SRV-3")
    def test_the_request_is_open_in_all_three_and_closed_straight_after(self) -> None:
        with self.scene() as scene:
            scene.plan("say", "ann", "setup", "handle", "finish")
            scene.hold("ann", "finish")
            ann = scene.visit("ann")
            event = scene.wait("ann", "finish")
            if event is None or list(self._misinformed(scene, ann, event)):
                raise NotChecked("finish does not run, or not with its request: SRV-1 and SRV-2 are about that")
            early = ann.hears(b"setup handle ")
            scene.release("ann", "finish")
            if not early or not ann.hears(b"setup handle finish "):
                said = ", ".join(ann.heard.decode("ascii", "replace").split()) or "nothing"
                raise scene.violation("SRV-3", "each of setup, handle, finish can send to ann", f"ann hears {said}")
            if self.target.datagram:
                self.served(scene, "ben", "SRV-3", "the server's socket stays open")
                return
            if not ann.ends() or ann.ended != "eof":
                raise scene.violation("SRV-3", "ann reads end of stream straight after finish", ending(ann))
            if not ann.finds_it_closed():
                raise scene.violation("SRV-3", "the request is closed straight after finish", "it is only shut down")

    @decides("SRV-3")
    def test_handle_does_not_return_while_a_worker_uses_the_request(self) -> None:
        if self.target.datagram:
            raise NotApplicable("a datagram's request has nothing to close")
        with self.scene(own=True) as scene:
            ann = scene.visit("ann")
            self.began(scene, "ann")
            early = scene.desk.wait("ann", "handled", GLANCE)
            for count in range(WORDS if self.target.chat else 1):
                if not answered(ann, count):
                    break
            returned = scene.desk.find("ann", "handled")
            if returned is None or returned.seen["error"]:
                return
            expected = "handle returns when nobody uses the request any more"
            if returned.seen["workers"]:
                raise scene.violation("SRV-3", expected, "handle returns, and a thread it has started goes on")
            if early:
                raise scene.violation("SRV-3", expected, "handle returns before ann has said a word, let alone left")

    # Concurrency

    @decides("SRV-4")
    def test_connections_are_accepted_and_served_one_at_a_time(self) -> None:
        self.only_for("sync", "one at a time")
        with self.scene() as scene:
            scene.hold("ann", "handle")
            scene.visit("ann")
            ann = self.began(scene, "ann")
            for name in ("ben", "cal"):
                self._accepted(scene, name)
            # In the loop itself nobody else can be served; but a server need not do it there to do it one by one.
            elsewhere = (ann.seen["process"], ann.seen["thread"]) != scene.host.loop
            if elsewhere and scene.wait("ben", "setup"):
                raise scene.violation("SRV-4", "ben is served when ann's handler has ended", "ben is served before")
            scene.release("ann", "handle")
            for name in ("ben", "cal"):
                if scene.wait(name, "finish") is None:
                    raise scene.violation("SRV-4", f"{name} is served next", f"{name} is not served")
            clients = [event.client for event in scene.desk.events]
            if clients != sorted(clients, key=clients.index):
                raise scene.violation("SRV-4", "one is served after the other", "their handlers overlap")

    def _accepted(self, scene: Scene, name: str) -> None:
        try:
            scene.visit(name)
        except NotChecked as error:
            raise scene.violation("SRV-4", f"{name} can connect while ann is served", str(error)) from None

    @decides("SRV-5")
    def test_a_silent_client_delays_nobody(self) -> None:
        self.only_for("threading", "by threads")
        with self.scene() as scene:
            scene.hold("lou", "handle")
            scene.visit("lou")
            for name in ("ann", "ben"):
                self.served(scene, name, "SRV-5", "while lou, who says nothing, is served too")
            if scene.wait("lou", "handle") is None:
                raise scene.violation("SRV-5", "lou, who says nothing, is served too", "lou is not served")

    @decides("SRV-6")
    def test_handlers_run_at_once_in_processes_that_share_no_memory(self) -> None:
        self.only_for("forking", "by processes")
        with self.scene() as scene:
            scene.hold("lou", "handle")
            scene.visit("lou")
            lou = self.began(scene, "lou")
            events = [lou, *(self.served(scene, who, "SRV-6", "while lou is served too") for who in ("ann", "ben"))]
            processes = {scene.host.loop[0], *(event.seen["process"] for event in events)}
            if len(processes) < 1 + len(events):
                raise scene.violation("SRV-6", "each handler has a process of its own", "some run in the same process")
            if any(event.seen["before"] for event in events):
                raise scene.violation(
                    "SRV-6", "no handler finds what another has stored on the server", "memory is shared"
                )

    # Rooms

    @decides("SRV-7")
    def test_the_handlers_of_one_server_know_the_same_members(self) -> None:
        self.needs_room()
        with self.scene(own=True) as scene:
            ann, ben = settled(scene, "ann"), settled(scene, "ben")
            for speaker, listener in ((ann, ben), (ben, ann)):
                word = f"{speaker.name} to all\n".encode()
                speaker.say(word)
                if not listener.hears(word):
                    self.not_for_workers(scene)
                    expected = f"{listener.name} hears what {speaker.name} says in the same room"
                    raise scene.violation("SRV-7", expected, f"{listener.name} hears {listener.heard!r}")

    @decides("SRV-10")
    def test_two_servers_share_no_members(self) -> None:
        self.needs_room()
        if self.target.concurrency == "forking":
            raise NotApplicable("a forking server cannot hold a room, so there is nothing to share")
        with self.scene(own=True) as here:
            ann = settled(here, "ann")
            with Scene(self.target, self.timeout, self.forker, own=True, story=here.story) as there:
                ben = settled(there, "ben")
                for speaker, listener in ((ann, ben), (ben, ann)):
                    word = f"{speaker.name} at home\n".encode()
                    speaks(speaker, word)
                    speaks(speaker, b"fence of %s\n" % word[:3])  # what was said before has gone to all there are
                    speaks(listener, b"fence for %s\n" % word[:3])  # what had gone to the listener has been read
                    if word in listener.heard:
                        expected = f"{listener.name} hears nothing of another server's room"
                        raise here.violation("SRV-10", expected, f"{listener.name} hears {word!r}")

    # Failing

    @decides("SRV-8")
    def test_an_exception_ends_its_own_connection_alone(self) -> None:
        with self.scene() as scene:
            at_once = self.target.concurrency != "sync"
            scene.plan("say", "ann", "handle")
            scene.hold("ann", "handle")
            self.control(scene)
            ann = scene.visit("ann") if at_once else None
            if at_once:
                self.began(scene, "ann")
            for name, phase, after in (("ben", "setup", "cal"), ("dan", "handle", "eve"), ("fay", "finish", "gil")):
                scene.plan("raise", name, phase)
                guest = scene.visit(name)
                if scene.wait(name, phase) is None:
                    raise NotChecked(f"{phase} does not run: SRV-2 is about that")
                if not self.target.datagram and not guest.ends():
                    raise scene.violation("SRV-8", f"{name}'s connection ends as {phase} raises", ending(guest))
                self.served(scene, after, "SRV-8", f"after {phase} has raised for {name}")
            if ann is not None:
                scene.release("ann", "handle")
                if not (scene.wait("ann", "finish") if self.target.datagram else ann.hears(b"handle ")):
                    raise scene.violation("SRV-8", "ann, who came before them all, is still served", ending(ann))

    @decides("SRV-8")
    def test_an_exception_leaves_the_room_in_order(self) -> None:
        self.needs_room()
        with self.scene(own=True) as scene:
            ann, ben = settled(scene, "ann"), settled(scene, "ben")
            scene.plan("raise", "cal", "handle")
            cal = scene.visit("cal")
            self.began(scene, "cal")
            if not cal.ends():
                raise scene.violation("SRV-8", "cal's connection ends as handle raises", ending(cal))
            scene.wait_idle()
            for count in range(WORDS):
                for guest in (ann, ben):
                    word = f"{guest.name} goes on {count}\n".encode()
                    guest.say(word)
                    if not guest.hears(word):
                        self.not_for_workers(scene)
                        expected = f"the room goes on for {guest.name}"
                        raise scene.violation("SRV-8", expected, f"{guest.name} does not hear herself any more")

    # The end

    @decides("SRV-9")
    def test_a_server_ends_promptly_with_clients_connected_and_leaves_nothing_behind(self) -> None:
        threading = self.target.concurrency == "threading"
        with self.scene(own=True) as scene:
            if threading:
                scene.hold("ann", "finish")
            for name in ("ann", "ben", "lou") if self.target.concurrency != "sync" else ("ann",):
                scene.visit(name)
                self.began(scene, name)
            if self.target.datagram:  # there is nothing to hang up: a handler ends by itself
                scene.wait("ann", "finish")
            scene.story.does("shutdown(), server_close()")
            scene.host.ask_to_end()
            if threading:
                self._waited_for(scene, "ann")
            if stuck := scene.stuck():
                expected = "shutdown() and server_close() return promptly"
                raise scene.violation("SRV-9", expected, f"{stuck} does not return")
            for guest in scene.guests if not self.target.datagram else []:
                if not guest.ends() or guest.ended != "eof":
                    raise scene.violation("SRV-9", f"{guest.name} reads end of stream", ending(guest))
            if left := scene.left_behind():
                self.not_for_workers(scene)
                raise scene.violation("SRV-9", "nothing stays behind", f"what stays behind: {', '.join(left)}")

    def _waited_for(self, scene: Scene, name: str) -> None:
        """See that a server does not end while a handler is still in finish; then let that go on."""
        if scene.wait(name, "finish") and not scene.host.stuck(GLANCE):
            expected = "server_close() returns when no handler runs any more"
            raise scene.violation("SRV-9", expected, f"it has returned, and {name}'s handler is still in finish")
        scene.release(name, "finish")
