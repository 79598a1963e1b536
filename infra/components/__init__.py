"""The parts of a stack, each a component with typed arguments."""
