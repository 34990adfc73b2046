"""The schema's history, forward only; run by `bti.db.upgrade`."""
