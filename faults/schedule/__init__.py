"""An adversarial, deterministic scheduler of threads, with the sockets that it needs."""
