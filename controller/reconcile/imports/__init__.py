"""Batch imports at work: what is read, frozen, sent, heard and asked for, around the pure room of the same name."""
