"""What differs between a frame and its original: inside each face against everywhere else."""

from unmask.originals.comparison.noise import UNTOLD, Comparison, Finding, Thresholds, compare

__all__ = ["UNTOLD", "Comparison", "Finding", "Thresholds", "compare"]
