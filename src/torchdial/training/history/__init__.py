"""What was recorded: series, layer tables, events, the run file, autosave, pandas."""
