"""`framework hello`."""


def configure(parser):
    """The command's arguments."""
    parser.add_argument("name")
    parser.add_argument("--fail", action="store_true")


def execute(arguments):
    """Greet; the status is 3 on request."""
    print(f"hello {arguments.name}")
    return 3 if arguments.fail else 0
