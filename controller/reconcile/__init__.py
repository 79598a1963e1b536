"""One path for every trigger: observe the world, plan purely, apply in order, stop at the first failure, report."""
