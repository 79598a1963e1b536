"""The Location service: where a product of a region is reached."""
