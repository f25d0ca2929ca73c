"""`python -m clara_cli` is the `clara` command."""

from clara_cli.entry import main

main()
