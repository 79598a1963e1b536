"""Intelligent Media Management: projects, datasets, bindings, file metadata and queries."""
