"""Recording a run: optimizer hooks, gradient statistics, device buffers, the publishing thread."""
