"""The exchange in a box: an engine, the documented dialect around it, and what can go wrong.

Nothing in this folder imports the rest of the package: what is judged by it must not share code
with it.
"""
