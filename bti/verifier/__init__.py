"""The verifier: tells whether an audit log is what its owner signed, without trusting server, database or their owner.

This folder stands alone: it imports the standard library and `cryptography` and nothing else of the project, so that
an auditor can read it in an afternoon, copy it to another machine and run it there: `python -m verifier --help`.
Therefore it is the only room that imports its own modules relatively.
"""
