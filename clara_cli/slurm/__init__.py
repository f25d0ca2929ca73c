"""Slurm as an engine: what is asked of it, how it is asked, and what its answers mean. Nothing of clara's records."""
