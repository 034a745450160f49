"""The subcommands of `lift-compare`: each has add_parser(subparsers) and run(arguments) -> code.

main.py is the command itself, common.py what the subcommands share.
"""
