"""The oracle of chats in frames, on simulated rooms that speak any dialect: no false alarm, no miss."""

from contextlib import suppress
from random import Random
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reference.conformance import frame_oracle as frame_oracle_module
from reference.conformance.stage import Manners
from tests import simulation, speaking
from tests.framed_room import FramedRoom
from tests.simulation import Clients

EXAMPLES = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
CHANCES = st.integers(0, 1 << 40)
MANNERS = st.sampled_from(["abrupt", "polite", "polite at first"])
LABELS = st.sampled_from(sorted(speaking.LABELS))


@given(seed=CHANCES, steps=st.integers(1, 50), manners=MANNERS, label=LABELS)
@EXAMPLES
def test_a_server_that_speaks_its_dialect_is_never_accused(
    seed: int, steps: int, manners: Manners, label: str
) -> None:
    room = FramedRoom(Random(seed), speaking.drawn(Random(seed)), label=label)
    with simulation.stage(room, manners=manners) as stage:
        clients = Clients(stage, Random(seed + 1))
        for _ in range(steps):
            clients.one_more()
        clients.do(*stage.oracle.farewell())
