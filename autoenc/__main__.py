"""python -m autoenc: run the report (see `autoenc.report.command`)."""

import sys

from .report.command import main

if __name__ == "__main__":
    sys.exit(main())
