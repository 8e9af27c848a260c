"""The HTTP API: one file with a router per subject.

Nothing here knows how a task is done; the layers below do it.
"""
