"""`python -m tidegate` is the command `tidegate`."""

from tidegate._command import main

if __name__ == "__main__":
    main()
