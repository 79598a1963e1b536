"""What holds for every test.

Hypothesis has no time limit, neither for an example nor for drawing it, because a loaded machine is not a defect, and
draws the same examples in each run, because a test that fails says something of the change. `pytest
--hypothesis-profile=explore` draws new ones.
"""

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.cluster_fixture"]

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("house", PATIENT, derandomize=True)
settings.register_profile("explore", PATIENT)
settings.load_profile("house")
