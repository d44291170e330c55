"""Statistics of a model's modules: activations, gradient norms, update ratios."""
