"""The program and its clients in a virtual process: whether it speaks the dialect, and who judges it."""
