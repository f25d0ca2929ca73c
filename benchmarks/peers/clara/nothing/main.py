"""A step of Python that does nothing."""
