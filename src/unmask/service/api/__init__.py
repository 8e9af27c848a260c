"""The HTTP API: one file per subject, each with a router; nothing here knows how a thing is done."""
