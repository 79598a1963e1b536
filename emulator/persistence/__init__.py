"""The state on disk: every acknowledged change is in a directory before its answer leaves."""
