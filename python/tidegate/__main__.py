"""`python -m tidegate`: the program of the same name."""

import sys

from tidegate._command import main

if __name__ == "__main__":
    sys.exit(main())
