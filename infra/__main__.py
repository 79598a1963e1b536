"""The program as Pulumi starts it (`main: infra` in Pulumi.yaml).

Pulumi runs this folder by path, so `infra` is importable only where the project is installed (or on PYTHONPATH).
"""

from infra.program import run

if __name__ == "__main__":
    run()
