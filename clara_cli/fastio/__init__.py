"""FastIO variables on the runner's side.

Life of a segment: the runner makes it without a name and at size 0 before any operator starts; the producer inherits
a writable descriptor, reserves the pages and fills them; once the producer's process has ended with status 0 and the
kernel says that nobody can write any more (`Segment.has_writer`), consumers map the same pages read-only. It is gone
when the last descriptor is closed, whoever dies first. Shapes and states travel over the job socket, so the data
starts at offset 0.
"""
