"""A library that the sample project imports: its files are outlined, not read."""

from .rates import Rate, lookup

STANDARD_RATE = 0.19
