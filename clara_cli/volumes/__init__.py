"""Volumes of payload files and of running jobs, read a slice at a time and turned into pictures."""
