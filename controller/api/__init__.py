"""The kinds as pydantic models: the single source of the CRDs, of the docs and of validation."""
