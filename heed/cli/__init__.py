"""The command line: `heed VERB`, one file a verb."""
