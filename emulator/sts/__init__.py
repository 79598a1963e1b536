"""Security Token Service: who a key belongs to, and keys that end."""
