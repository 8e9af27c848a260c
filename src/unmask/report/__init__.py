"""Reports on a check for people and programs: `html` (one file), `document` (JSON), `table` (CSV).

Renders the values of `unmask.types` and knows no detector.
"""
