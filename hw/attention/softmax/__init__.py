"""Row maxima, exponentials and reciprocals of attention."""
