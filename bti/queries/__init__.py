"""Reading. Fixed statements for the hot paths; every list goes through the access rule in `bti.policy`."""
