"""Clients that others wrote, run against the simulated exchange, unchanged but for the base URL.

Runs in an environment of its own (`make conformance`), because nothing of it is needed to use or to
test the program.
"""
