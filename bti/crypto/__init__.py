"""The only room that touches cryptographic primitives."""
