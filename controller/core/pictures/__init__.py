"""Pictures judged by their first bytes: what a container says of itself, and what Image Search takes."""
