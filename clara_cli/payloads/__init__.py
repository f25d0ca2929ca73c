"""The files of a job: where they lie, how they get in and out."""
