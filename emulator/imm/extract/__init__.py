"""Real metadata from real content, one module per family. Nothing here raises, executes or decodes pixels."""
