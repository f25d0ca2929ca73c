"""Jobs: their life cycle, their records, and what can be done with them."""
