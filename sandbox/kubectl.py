"""kubectl against one cluster: the client that everybody has, so the demo and the tests do what a reader would type."""

from dataclasses import dataclass
from pathlib import Path

from sandbox import programs
from sandbox.apiserver.build import find_kubectl


@dataclass(frozen=True)
class Kubectl:
    """Call it with kubectl's words: it returns what kubectl printed, and raises ProgramError with its complaint."""

    kubeconfig: Path

    def __call__(self, *words: str, text: str | None = None, seconds: float = 90) -> str:
        return programs.run([find_kubectl(), f"--kubeconfig={self.kubeconfig}", *words], text=text, seconds=seconds)
