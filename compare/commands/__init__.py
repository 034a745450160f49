"""The subcommands of `lift-compare`: each module has add_parser(subparsers) and run(arguments) -> exit code."""
