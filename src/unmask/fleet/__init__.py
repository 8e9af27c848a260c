"""The same check over a whole folder or bucket: every content judged once, resumable, with results
as Parquet tables.

    scan ──> source, configuration, ledger ──> crew ──> worker ──> rows ──> tables
    page ──> summary ──> tables

`scan` is the driver: it alone writes. Workers hold one file at a time; paths, hashes and rows
travel, frames never do.
"""
