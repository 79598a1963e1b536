"""The image's file system on this machine, made by the Dockerfile's own steps, and the operator run from it."""
