"""Pulumi resources that the vendor's provider lacks."""
