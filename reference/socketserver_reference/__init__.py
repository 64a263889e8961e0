"""An echo and a group chat on socketserver, to be read as a specification, and the suite that checks other servers.

Nearly all programs on Python's `socketserver` have the same few bugs: the reset of one client ends the room, a slow
reader blocks all others, a half-closed client loses its last words, a thread uses a request that is closed already.

Read in this order, for half an hour:

    1. clauses.py        what a server must do, in numbered sentences
    2. model.py          the same as a function, without sockets, threads or time
    3. echo.py           the first server: one request, one reply
    4. chat.py           the room: one lock, and deliveries that never wait
    5. overthreaded.py   one thread too many, and a request that is closed too early
    6. lifecycle.py      how servers begin, hang up and end

To look up:

    family.py            transport x concurrency: the classes of socketserver, and what each can serve
    address.py           tcp://127.0.0.1:10007, as `serve` prints it and `check` takes it
    conformance/         the suite, for any server in any language
    cli/                 the command line

A comment `# [CHAT-7] ...` restates the clause that the line below it enforces; `spec CHAT-7` prints these lines and the
checks that decide the clause.

The terms:

    member       a connected client that the server delivers to
    chunk        what ONE recv(1024) on the server returned; not a message: TCP has none
    utterance    what a client passed to one send
    delivery     `ack` + chunk, as one member receives it
    settled      an utterance of at most 1024 bytes in one segment, sent after the client has received all it said
                 before; so the server sees exactly one chunk
    burst        utterances that are not settled; TCP may merge and split them
    lurker       a client that connects and never speaks
    fence        an utterance up to which every member is read: bytes before it that were not due are a violation, so
                 no check waits for silence
    half-close   to end the own sending side and go on reading: shutdown(SHUT_WR)
    reset        to abort a connection: the next operation of the peer fails

Out of scope: names, rooms, history, framing, encryption, and more clients than one process has descriptors.

RULE: servers import neither the model nor the suite, and the suite imports no server: each checks the other. Serving
needs the standard library alone, checking the `check` extra.
"""
