"""The same check over a whole folder or bucket: every content is judged once.

A scan can be resumed; its results are Parquet tables.

    scan ──> source, configuration, ledger ──> crew ──> worker ──> rows ──> tables
    page ──> summary ──> tables

`scan` is the driver, the only one that writes. Workers hold one file at a time. Paths, hashes and
rows pass between processes, frames never do.
"""
