"""Judge a transcript. Pure: nothing here opens a socket, starts a thread or looks at a clock."""
