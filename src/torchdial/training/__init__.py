"""What happens in a run: monitor, history, gradients, diagnosis and control."""
