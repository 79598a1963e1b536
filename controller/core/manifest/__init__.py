"""increment.meta, the manifest of an Image Search batch: its lines, its rules, and how both are read."""
