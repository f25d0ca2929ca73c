"""Which local program stands for a container image, and how it is started."""
