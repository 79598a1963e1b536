"""Image Search 2020-12-14: instances of pictures, searched by what they look like."""
