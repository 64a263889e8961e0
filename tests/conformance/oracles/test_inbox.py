"""One order for all: what each has heard in its own order fits into one, or it does not."""

from socketserver_reference.conformance.oracles.inbox import DeliveryOrder


def test_what_is_heard_in_two_orders_is_no_one_order() -> None:
    order = DeliveryOrder()
    assert all(order.follows("ann", number) for number in (1, 2, 3))
    assert all(order.follows("ben", number) for number in (1, 2))
    assert order.follows("cal", 2)
    assert order.follows("cal", 4)
    assert not order.broken
    assert not order.follows("cal", 1)
    assert order.broken


def test_an_order_that_no_two_contradict_may_still_be_none() -> None:
    order = DeliveryOrder()
    assert order.follows("ann", 1)
    assert order.follows("ann", 2)
    assert order.follows("ben", 2)
    assert order.follows("ben", 3)
    assert order.follows("cal", 3)
    assert not order.follows("cal", 1)


def test_what_all_have_heard_binds_nobody() -> None:
    order = DeliveryOrder()
    assert order.follows("ann", 1)
    assert order.follows("ann", 2)
    order.clear()
    assert order.follows("ben", 2)
    assert order.follows("ben", 1)


def test_where_the_ways_from_one_to_another_meet_again_is_looked_at_once() -> None:
    order = DeliveryOrder()
    assert all(order.follows("ann", number) for number in (1, 2, 4, 5))
    assert all(order.follows("ben", number) for number in (1, 3, 4))
    assert all(order.follows("cal", number) for number in (6, 1))
    assert order.follows("dan", 5)
    assert not order.follows("dan", 1)
