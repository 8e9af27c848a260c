"""The service: judges uploads once, shows the verdicts on a page and keeps cases and an audit log.

A thin layer around `unmask.pipeline`. Needs ``pip install 'unmask[service]'``.
"""
