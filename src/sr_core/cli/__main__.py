"""`python -m sr_core.cli`, the same as `sr`."""

from sr_core.cli.main import main

main()
