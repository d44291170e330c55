"""Static pictures with matplotlib: what a saved notebook shows, and what is printed."""
