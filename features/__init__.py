"""Descriptors: named numbers computed from samples."""
