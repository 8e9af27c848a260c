"""The rules of the service, one file per subject: what may be done with a check, a case, an upload,
a live check and so on.

Functions take a session or a `Service` and an `Actor`, and raise `Problem`. HTTP is known only to
the layers above.
"""
