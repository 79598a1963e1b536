"""What holds for every test.

Hypothesis has no time limit per example, because a loaded machine is not a defect, and draws the same examples in each
run, because a test that fails says something of the change. `pytest --hypothesis-profile=explore` draws new ones.
"""

from hypothesis import settings

pytest_plugins = ["tests.cluster_fixture"]

settings.register_profile("house", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None)
settings.load_profile("house")
