"""python -m autoenc: run the report (see `autoenc.report.command`)."""

import sys

from .report import how_to_install

try:
    from .report.command import main
except ModuleNotFoundError as error:
    if error.name.startswith("autoenc"):
        raise
    sys.exit(how_to_install(error.name))

if __name__ == "__main__":
    sys.exit(main())
