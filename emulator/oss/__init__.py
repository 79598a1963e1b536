"""Object Storage Service: buckets, objects and their sub-resources."""
