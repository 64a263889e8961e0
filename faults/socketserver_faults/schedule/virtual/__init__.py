"""Virtual sockets and clocks, and the modules that find them."""
