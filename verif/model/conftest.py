"""Property tests draw the same examples every time, and a busy machine does not fail them."""

from hypothesis import settings

settings.register_profile("heed", deadline=None, derandomize=True, database=None)
settings.load_profile("heed")
