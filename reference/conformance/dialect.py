"""How the server under check puts the protocol into bytes: the seam for servers that speak otherwise.

Everything the stage sends and everything the oracles expect passes through a Dialect. There is one, the reference's
own; it asks `reference.model` and adds nothing. A server that frames by lines, or labels its deliveries, would be a
second instance of this class, and nothing else in the suite would change.
"""

from dataclasses import dataclass

from reference import model


@dataclass(frozen=True)
class Dialect:
    """The reference's dialect: utterances go out as they are, deliveries are `ack` + chunk, `quit` leaves.

    Where the path to the server may split segments, `exact` is False: then even a settled utterance may be several
    chunks, and nobody can say `quit`, nor anything that holds it, and know what the server reads.
    """

    name: str = "note"
    exact: bool = True
    prefix: bytes = model.ACK
    chunk: int = model.CHUNK
    datagram: int = model.DATAGRAM

    def sent(self, utterance: bytes) -> bytes:
        """Return the bytes on the wire for an utterance."""
        return utterance

    def delivery(self, chunk: bytes) -> bytes:
        """Return the bytes a member reads when somebody's chunk is delivered to it."""
        return model.delivery(chunk)

    def is_quit(self, chunk: bytes) -> bool:
        """Whether a chunk makes its sender leave."""
        return model.is_quit(chunk)

    def reply(self, request: bytes) -> bytes:
        """Return the echo server's reply to a request, or to a datagram."""
        return model.echo(request)


NOTE = Dialect()
ANY_SEGMENTATION = Dialect(exact=False)
