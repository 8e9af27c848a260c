"""The rules of the service, one file per subject: checks, cases, uploads, live checks and so on.

Functions take a session or a `Service` and an `Actor`, and raise `Problem`. HTTP is known only to
the layers above.
"""
