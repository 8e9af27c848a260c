"""The same check over a whole folder or bucket: every content is judged once.

A scan can be resumed; its results are Parquet tables.

    scan ──> source, configuration, ledger ──> crew ──> worker ──> process: judge ──> rows
    ledger ──> tables        page ──> summary ──> tables

`scan` is the driver, the only one that writes tables. A worker copies one file at a time to this
disk; the confined process beside it judges the copy. Paths, hashes and rows pass between processes,
frames never do.
"""
