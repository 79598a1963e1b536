"""What must hold of every stack, whoever wrote it: a Pulumi policy pack of pure rules.

Pulumi runs this folder by path, which puts it first on the import path: no module here may bear the name of another.
"""
