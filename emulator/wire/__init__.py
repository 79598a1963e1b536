"""The three protocols: RPC with JSON, OSS and MNS with XML. Parsing in, rendering out, no decisions."""
