"""Stafett: an open engine for better cross-service collaboration around children (BTI)."""

__version__ = "0.1.0"
