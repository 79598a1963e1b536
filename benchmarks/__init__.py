"""Ratios, measured side by side in one run. A figure from one machine says little; a ratio says which way is better."""
