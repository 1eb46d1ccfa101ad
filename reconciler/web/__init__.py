"""What can be seen of a running daemon: the status page, health, metrics, the same as JSON.

Read-only, and nothing here can slow the feeds: reads have a thread and connections of their own.
"""
