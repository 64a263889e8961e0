"""socketserver, understood: a reference echo and chat, written to be read as a specification."""
