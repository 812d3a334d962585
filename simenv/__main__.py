"""`python -m simenv` is the `simenv` command."""

from simenv.cli import main

if __name__ == "__main__":
    main()
