"""Planted bugs: a piece of a function's source replaced, to see that the tests would find that."""

import inspect
import sys
import textwrap


def plant(monkeypatch, owner: object, name: str, right: str, wrong: str) -> None:
    """Replace `right` by `wrong` in the source of function `name` of a class or a module.

    Raises
    ------
    ValueError
        When `right` is not there exactly once: the source has changed, and the bug must too.
    """
    function = getattr(owner, name)
    source = textwrap.dedent(inspect.getsource(function))
    if source.count(right) != 1:
        raise ValueError(f"{owner.__name__}.{name} has {source.count(right)} times {right!r}")
    module = sys.modules[function.__module__]
    code = compile(source.replace(right, wrong), f"planted bug in {module.__name__}", "exec")
    made: dict[str, object] = {}
    exec(code, module.__dict__, made)
    monkeypatch.setattr(owner, name, made[name])
