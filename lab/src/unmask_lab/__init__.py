"""Lab: collects data, trains, calibrates and measures what the runtime serves."""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"
"""Keeps ONNX Runtime, from 1.29 on, from reporting to its maker; it is read when that is loaded."""
