"""Licences to change a face, and content credentials: what somebody has signed about a file, and
what that is worth.

`licence` grants and checks, `status` takes back, `keys` keeps and names keys, `proof` signs and
verifies. Nothing here opens a connection. What is heavy is imported where it is used.
"""
