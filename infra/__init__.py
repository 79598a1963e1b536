"""What exists before the operator runs: buckets, topic and queue, the role IMM works with, and the IMM projects."""
