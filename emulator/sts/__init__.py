"""Security Token Service: who a key belongs to."""
