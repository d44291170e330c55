"""bqplot figures to compose, brush and restyle from Python."""
