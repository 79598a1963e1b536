"""Signatures: who signed this request, and is it true. One module per scheme, each a pure function."""
