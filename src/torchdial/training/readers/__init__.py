"""Runs that other processes and tools have written, or are writing: their files as histories."""
