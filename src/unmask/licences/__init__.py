"""Licences to change a face, and content credentials: signed statements about a file, verified.

`licence` grants and checks, `status` revokes, `keys` keeps and names keys, `proof` signs and
verifies. Nothing here opens a connection. Heavy modules are imported where they are used.
"""
