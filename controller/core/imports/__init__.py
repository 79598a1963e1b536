"""Batch imports, pure: items and their frozen form, chunks, the journals' records, a run's state, the job's table."""
