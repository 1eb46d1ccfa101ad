"""The daemon under a service manager: told when it is ready, what it does, and that it gets on."""
