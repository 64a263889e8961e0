"""socketserver, understood: an echo and a group chat, to be read as a specification, and the suite that checks others.

Python's `socketserver` is how many people meet network servers. Nearly every such program in the wild has the same few
bugs: one client's reset kills the room, a slow reader blocks everyone, a half-closed client loses its last words, a
thread uses a request that was closed under it. Here is what each of them breaks, what it takes not to have it, and a
way to find out.

Read in this order; without the suite it is half an hour:

    1. clauses.py        what a server must do: one sentence each, numbered
    2. model.py          the same as a function, without sockets, threads or time
    3. echo.py           the first server: one request, one reply
    4. chat.py           the room: one lock, deliveries that never wait, and who may close what
    5. overthreaded.py   a thread too many, and the story of the request that was closed under it
    6. lifecycle.py      how servers begin, hang up and end
    7. family.py         transport x concurrency: all the classes of socketserver, what each can serve and what not
    8. address.py        tcp://127.0.0.1:10007, as `serve` prints and `check` takes it
       serve.py, log_handler.py, check.py, compare.py, learn.py, dialects.py, spec.py, history.py, reporting.py,
       __main__.py          the command line
    9. conformance/      does that server do it? Any server, in any language: begin with its __init__

A comment `# [CHAT-7] ...` restates the clause that the line below it enforces; `python -m reference spec CHAT-7` finds
them, and the checks that decide the clause.

The words, each for one thing:

    member       a connected client that the server delivers to
    chunk        what ONE recv(1024) on the server returned; never called a message: TCP has none
    utterance    what a client handed to one send
    delivery     `ack` + chunk, as one member receives it
    settled      said of an utterance: at most 1024 bytes, in one segment, sent when everything the client said before
                 has come back to it, so that the server sees exactly one chunk
    burst        utterances that are not settled; TCP may merge and split them
    lurker       a client that connects and never speaks
    fence        an utterance after which every member is read up to it: what came before it and was not due is a
                 violation, and nobody has to wait for silence
    half-close   to end one's sending side and go on reading: shutdown(SHUT_WR)
    reset        to abort a connection: the peer's next operation fails

Out of scope: names, rooms, history, framing, encryption, and servers for more clients than one process has descriptors.

Importing this package imports nothing; serving needs the standard library alone, checking needs the `check` extra.
"""
