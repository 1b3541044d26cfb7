"""Networks that come with Heed, each with its weights and test data."""
