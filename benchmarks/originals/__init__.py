"""Benchmark of known originals: `python -m benchmarks.originals`."""
