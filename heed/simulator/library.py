"""The instruction-set simulator's library in the build folder."""

from pathlib import Path

from heed import doctor
from heed.errors import HeedError
from heed.simulator.build import Report


def iss_library(progress: Report) -> Path:
    """Return the library, compiled unless it is there.

    Parameters
    ----------
    progress
        Gets a line of text when there is none yet.

    Raises
    ------
    HeedError
        It cannot be compiled.
    """
    from sw_model.iss.build import IssError, build

    folder = doctor.build_folder().absolute() / "iss"
    if not any(folder.glob("*.so")):
        progress("compiling the instruction-set simulator")
    try:
        return build(folder)
    except IssError as error:
        raise HeedError(str(error)) from None
