"""The service: uploads are accepted, judged once, shown on a page, decided in cases, and every step
is audited.

A thin outside of `unmask.pipeline`. Needs ``pip install 'unmask[service]'``.
"""
