"""The cloud as small ports, their SDK adapters, the limiter, the errors and the credentials."""
