"""Running a model without side effects: one inference, repeated predictions, a stream of frames."""
