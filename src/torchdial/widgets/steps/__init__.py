"""The step dial: frames of a training that a preview keeps."""
