"""Waiting until one of several virtual sockets is ready: `selectors` and `select`."""

import select
import selectors
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from socketserver_faults.schedule.core.namespace import NotModelled
from socketserver_faults.schedule.core.scheduler import Scheduler
from socketserver_faults.schedule.virtual.network import Network
from socketserver_faults.schedule.virtual.readiness import select_of, selectors_of
from tests.support.scheduling.two_worlds import outcome, real_pair

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


def played(scheduler: Scheduler, story: Callable[[Network], object]) -> None:
    network = Network(scheduler)
    scheduler.run(lambda: story(network))


def test_a_selector_sees_clients_come_and_what_can_be_read_and_written(scheduler: Scheduler) -> None:
    def main(network: Network) -> None:
        virtual: Any = selectors_of(scheduler, lambda: network.kernel)
        with virtual.DefaultSelector() as selector:
            listener = network.listener()
            key = selector.register(listener, READ, "data")
            assert selector.select(1) == []
            client = network.connect(listener, "ann")
            assert selector.select(1) == [(key, READ)]
            server = listener.accept()[0]
            both = selector.register(server, READ | WRITE)
            assert selector.select() == [(both, WRITE)]
            client.send(b"x")
            assert selector.select(-1) == [(both, READ | WRITE)]
            only = selector.modify(server.fileno(), READ)
            assert selector.select(0) == [(only, READ)]
            assert selector.get_map() == {listener: key, server.fileno(): only}
            with pytest.raises(KeyError, match="already registered"):
                selector.register(server, READ)
            with pytest.raises(ValueError, match="Invalid events"):
                selector.register(client, 4)
            server.close()
            assert selector.select() == [(only, READ)]
            selector.unregister(only.fd)
            with pytest.raises(KeyError, match="not registered"):
                selector.get_key(only.fd)

    played(scheduler, main)


def test_select_returns_what_is_ready(scheduler: Scheduler) -> None:
    def main(network: Network) -> None:
        virtual: Any = select_of(scheduler, lambda: network.kernel)
        server, client = network.pair("ann")
        assert virtual.select([server], [server], [server], 1) == ([], [server], [])
        assert virtual.select([server.fileno()], [], [], 0) == ([], [], [])
        scheduler.spawn(lambda: client.send(b"x"), "ann")
        assert virtual.select([server], [], []) == ([server], [], [])
        number = server.fileno()
        server.close()
        with pytest.raises(ValueError, match="negative"):
            virtual.select([server], [], [])
        with pytest.raises(OSError, match="Bad file descriptor"):
            virtual.select([number], [], [])

    played(scheduler, main)


def test_poll_sees_errors_even_unasked(scheduler: Scheduler) -> None:
    def main(network: Network) -> None:
        virtual: Any = select_of(scheduler, lambda: network.kernel)
        server, client = network.pair("ann")
        poll = virtual.poll()
        poll.register(client, 0)
        assert poll.poll(1000) == []
        poll.modify(client, select.POLLIN | select.POLLOUT)
        assert poll.poll() == [(client.fileno(), select.POLLOUT)]
        poll.modify(client, 0)
        client.send(b"unread")
        server.close()
        assert poll.poll() == [(client.fileno(), select.POLLERR | select.POLLHUP)]
        number = client.fileno()
        client.close()
        assert poll.poll(-1) == [(number, select.POLLNVAL)]
        poll.unregister(number)
        assert poll.poll(0) == []

    played(scheduler, main)


def answers(module: Any, server: Any, client: Any) -> Iterator[Any]:
    """Yield what poll() and epoll() of a module answer, without what differs from machine to machine."""
    number = server.fileno()
    for poll in (module.poll(), module.epoll()):
        is_epoll = hasattr(poll, "closed")
        yield outcome(poll.modify, server, module.POLLIN)
        yield outcome(poll.register, server, module.POLLOUT | module.POLLIN)
        yield poll.poll(0) == [(number, module.POLLOUT)]
        yield outcome(poll.modify, server, module.POLLIN), poll.poll(0)
        if is_epoll:
            yield outcome(poll.register, server)
            yield outcome(poll.register, client), poll.poll(1, 1) == [(client.fileno(), module.EPOLLOUT)]
            yield outcome(poll.unregister, client), outcome(poll.unregister, client), outcome(poll.register, 999)
            server.close()  # and it is forgotten
            yield poll.poll(0), outcome(poll.modify, number, 0), outcome(poll.unregister, server)
            with poll:
                yield poll.closed
            yield poll.closed, outcome(poll.register, client)


def test_poll_and_epoll_answer_as_the_real_ones(scheduler: Scheduler) -> None:
    found: list[list[Any]] = []

    def main(network: Network) -> None:
        virtual: Any = select_of(scheduler, lambda: network.kernel)
        found.append(list(answers(virtual, *network.pair("ann"))))
        with pytest.raises(NotModelled, match="number of a select"):
            virtual.epoll().fileno()

    played(scheduler, main)
    server, client = real_pair()
    with server, client:
        assert found == [list(answers(select, server, client))]


def test_epoll_waits_as_long_as_it_is_told_and_sees_what_comes(scheduler: Scheduler) -> None:
    def main(network: Network) -> None:
        virtual: Any = select_of(scheduler, lambda: network.kernel)
        server, client = network.pair("ann")
        epoll = virtual.epoll()
        epoll.register(server.fileno(), select.EPOLLIN | select.EPOLLRDHUP)
        before = scheduler.now
        assert epoll.poll(2.5) == []
        assert scheduler.now == before + 2.5
        scheduler.spawn(lambda: client.send(b"x"), "ann")
        assert epoll.poll() == [(server.fileno(), select.EPOLLIN)]
        client.close()
        assert epoll.poll(-1) == [(server.fileno(), select.EPOLLIN | select.EPOLLRDHUP)]
        server.shutdown(socket.SHUT_RDWR)
        assert epoll.poll()[0][1] & select.EPOLLHUP
        number = server.fileno()
        server.close()
        assert network.socket().fileno() == number
        assert epoll.poll(0) == []

    played(scheduler, main)
