"""Pictures composed from Python."""
