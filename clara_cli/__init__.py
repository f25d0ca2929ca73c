"""The `clara` command: Clara Deploy pipelines on one workstation, every operator a local process."""

__version__ = "0.9.0"
