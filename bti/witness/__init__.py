"""The witness: somebody else who remembers how far a log had come, and signs only heads that go on from there."""
