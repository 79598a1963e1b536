"""What holds for every test: Hypothesis has no time limit per example, because a loaded machine is not a defect."""

from hypothesis import settings

pytest_plugins = ["tests.cluster_fixture"]

settings.register_profile("house", deadline=None)
settings.load_profile("house")
