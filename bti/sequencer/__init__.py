"""The sequencer: numbers the entries that others have committed, lets the tree grow by them, and signs its heads.

It runs as a process of its own, with the log's key and its memory of the last head in a folder that the web process
can't read. Whoever takes over the pages finds nothing here to sign with.
"""
