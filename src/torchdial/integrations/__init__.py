"""torchdial inside other people's training loops: import the module of the one you use."""
