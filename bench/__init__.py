"""Measures the speed Stafett promises, as ratios within one run. See README.md."""
