"""Pages of the documentation that end in a measured table."""

from collections.abc import Iterable, Sequence

from heed.errors import HeedError


def renewed(old: str, mark: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a page with a table in the place of what is below the line `mark`.

    Raises
    ------
    HeedError
        There is no such line.
    """
    head, found, _ = old.partition(mark)
    if not found:
        raise HeedError(f"the page has no line {mark}")
    lines = [head + mark, "", "| " + " | ".join(headings) + " |"]
    lines.append("|---|" + "--:|" * (len(headings) - 1))
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"
