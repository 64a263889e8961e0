"""`make bench`: what follows from figures, and that a room is measured. ci/targets runs all of it, in a short form."""

import importlib
import json
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from socketserver_reference.conformance.checks.chat_crowds import LEAVING_CLIENTS
from socketserver_reference.conformance.oracles.measured.scaling import ROOM_FACTOR

HERE = Path(__file__).resolve().parents[2] / "ci" / "bench"
MODULES = [file.stem for file in HERE.glob("*.py")]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return a function that imports a module of the folder."""
    monkeypatch.syspath_prepend(HERE)
    yield importlib.import_module
    for module in MODULES:
        sys.modules.pop(module, None)


def rooms(bench: Any, **cpu: float) -> Any:
    """Return a table of rooms of 100 members, with the processor time of a delivery by server."""
    results = bench("results")
    rows = [{"server": name, "members": 100, "cpu_us": figure, "join_us": 1.0} for name, figure in cpu.items()]
    return results.Table("rooms", "Rooms", results.ROOMS, rows)


@pytest.mark.parametrize(("cost", "status"), [(4.0, 0), (40.0, 1)])
def test_a_clear_loss_beside_another_server_ends_a_run_with_1(
    cost: float, status: int, bench: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = rooms(bench, reference=cost, uvloop=5.0, floor=4.0)
    sys.modules["rooms"] = ModuleType("rooms")
    vars(sys.modules["rooms"])["measure"] = lambda _: iter([table])
    file = tmp_path / "new" / "figures.json"
    assert bench("bench").main(["--only", "rooms", "--json", str(file)]) == status
    out = capsys.readouterr().out
    assert out.count("too much: ") == 2 * status
    found = json.loads(file.read_text())
    assert found["tables"]["rooms"] == table.rows
    assert (found["heads"]["rooms"]["cpu_us"], found["machine"]["figures"]) == (
        "us CPU/delivery",
        "medians of 3, rooms alone",
    )
    assert [row["ratio"] for row in found["tables"]["ratios"]] == [cost / 5, cost / 4]


@pytest.mark.parametrize(("error", "status"), [(OSError("no\x1b"), 1), (KeyboardInterrupt(), 130)])
def test_what_was_measured_before_an_error_or_an_interrupt_is_kept(
    error: BaseException, status: int, bench: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def measure(_: object) -> Iterator[Any]:
        yield table
        table.rows.append({"server": "floor", "members": 1})
        raise error

    table = rooms(bench)
    sys.modules["rooms"] = ModuleType("rooms")
    vars(sys.modules["rooms"])["measure"] = measure
    file = tmp_path / "figures.json"
    assert bench("bench").main(["--only", "rooms", "--json", str(file)]) == status
    assert json.loads(file.read_text())["tables"]["rooms"] == [{"server": "floor", "members": 1}]
    assert capsys.readouterr().out == ("rooms ends here: no\\x1b\n" if status == 1 else "")


def test_of_several_crowds_the_one_counts_that_cost_least(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    crowds = bench("crowds")
    costs = iter([3.0, 1.0, 2.0, 4.0, 5.0] * 2 + [0.1, 9.0, 0.0, 0.2, 9.0, 0.0, 0.3, 9.0, 0.0, 0.4, 9.0, 0.0])
    monkeypatch.setattr(crowds, "measure_crowd", lambda *_: {"cpu_s": (cost := next(costs)), "delay_s": cost})
    (table,) = crowds.measure(SimpleNamespace(short=True, times=3))
    found = [(row["members"], row["cpu_s"], row["delay_s"]) for row in table.rows[:2]]
    assert found == [(100, 1.0, 3.0), (400, 1.0, 3.0)]
    compared = [(row["server"], row["members"], row["cpu_s"]) for row in table.rows[2:]]
    assert compared == [("chat", 24, 0.1), ("chat", 96, 0.2), (crowds.FAULT, 24, 0.3), (crowds.FAULT, 96, 0.4)]
    (row,) = (row for row in bench("results").ratios([table]).rows if crowds.FAULT in row["beside"])
    assert (row["ratio"], row["limit"]) == (0.5, 0.5)


def test_a_talker_that_is_cut_off_waits_for_ever(bench: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as client:
        member, _ = listener.accept()
        with member:
            talker = bench("crowds").Talker(client, 60.0)
            talker.start()
            member.recv(1)  # and the rest of the word unread, so that it reads a reset
        talker.join()
    assert talker.delays == [float("inf")]


def test_the_suite_compares_the_crowds_that_are_measured(bench: Any) -> None:
    assert bench("crowds").COMPARED == (LEAVING_CLIENTS // ROOM_FACTOR, LEAVING_CLIENTS)


def test_a_larger_send_buffer_holds_more_for_a_client_that_does_not_read(bench: Any) -> None:
    (found,) = bench("buffers").measure(SimpleNamespace())
    small, large = (row["bytes"] for row in found.rows if row["what"] == "TCP, a small window")
    assert 0 < small < 65536 <= large
    default, ours = (row["held"] for row in found.rows if row["what"].startswith("Unix datagrams"))
    assert 0 < default < ours


def test_ratios_are_those_of_figures_that_there_are(bench: Any) -> None:
    results = bench("results")
    assert results.ratios([rooms(bench, reference=5.0)]).rows == []
    (row,) = results.ratios([rooms(bench, reference=5.0, floor=4.0)]).rows
    assert (row["what"], row["beside"], row["ratio"], row["goal"]) == ("reference 100", "floor 100", 1.25, 1.15)


def test_each_ratio_is_of_servers_that_are_measured(bench: Any) -> None:
    results = bench("results")
    chats = bench("rooms").chats(["reference", "floor", "note", "asyncio-protocol"]).keys() | {"uvloop"}
    echoes = bench("echoes").echoes("tcp", None, short=False)
    for claim in results._claims():
        if claim.table == "checks":
            continue
        for server in (claim.of["server"], claim.beside["server"]):
            assert server in {"rooms": chats, "echoes": echoes, "crowds": ["chat", bench("crowds").FAULT]}[claim.table]


def test_medians_and_the_slowest_hundredth(bench: Any) -> None:
    results = bench("results")
    assert results.medians([{"a": 1.0}, {"a": 5.0}, {"a": 2.0}]) == {"a": 2.0}
    assert [results.percentile(range(count), 99) for count in (1, 50, 200)] == [0, 49, 198]


def test_clients_that_were_the_limit_are_told(bench: Any, capsys: pytest.CaptureFixture[str]) -> None:
    results = bench("results")
    table = results.Table("rooms", "Rooms", results.ROOMS)
    for load in (0.5, 0.95):
        results.add(table, {"server": "floor", "members": 1000, "load": load})
    first, second = capsys.readouterr().out.splitlines()
    assert "the clients were the limit" not in first
    assert second.endswith("0.95  (the clients were the limit)")


@pytest.mark.slow
def test_a_room_of_the_simplest_server_is_measured(bench: Any, capsys: pytest.CaptureFixture[str]) -> None:
    options = SimpleNamespace(servers=["floor"], members=[3], short=True, times=1)
    (table,) = bench("rooms").measure(options)
    (row,) = table.rows
    assert (row["server"], row["members"]) == ("floor", 3)
    assert all(row[key] > 0 for key in ("cpu_us", "per_second", "median_ms", "p99_ms", "join_us", "load"))
    assert "floor" in capsys.readouterr().out


def test_a_server_that_accepts_nothing_is_given_up(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    served = bench("served")
    with served.serving(served.peer("floor", "chat", "tcp")) as server:
        server.accepted()
        monkeypatch.setattr(served, "ACCEPT_TIMEOUT", -1.0)
        waiting = [["0:", f"0100007F:{server.address.port:04X}", "00000000:0000", "0A", "00000000:00000001"]]
        monkeypatch.setattr(served.proc_files, "rows", lambda *_: waiting)
        with pytest.raises(TimeoutError, match="accepts no more connections"):
            server.accepted()


def test_a_server_that_hangs_up_or_says_too_much_is_not_measured(bench: Any) -> None:
    module = bench("rooms")
    with bench("served").serving(bench("served").peer("floor", "chat", "tcp")) as server:
        room = module.Room(server, module.Chat("", b"ac"), 2)
        with pytest.raises(ConnectionError, match="bytes too many have come"):
            room.say(b"word")
        with pytest.raises(ConnectionError, match="has hung up"):
            [room.say(b"quit") for _ in range(2)]
        room.close()


def test_the_room_that_two_schedulers_play_is_right_with_its_lock_and_wrong_without(bench: Any) -> None:
    rows = [(row["locked"], row["verdict"]) for row in bench("interleaving").ours()]
    assert rows == [(True, "cleared"), (False, "fails")] * 2
    beside = bench("beside_frontrun")
    handlers = beside.room(2, True)
    for number in range(2):
        beside.handle(number, handlers)
    assert beside.in_one_order(handlers)
    assert [len(handler.request.heard) for handler in handlers] == [2, 2]
