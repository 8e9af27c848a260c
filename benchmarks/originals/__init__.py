"""Known originals, measured: `python -m benchmarks.originals`."""
