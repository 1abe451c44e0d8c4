"""Console script `meshed-mcp`: runs the command line, or names the missing extra in one line."""

from meshed_mcp import extras


def main() -> None:
    """Run the command line; exits with code 1 and one line if a package of an extra is missing."""
    try:
        from meshed_mcp.__main__ import main as run  # noqa: PLC0415 - the command line needs [platform]

        run()
    except ModuleNotFoundError as error:
        text = extras.advice(error, "platform")
        if text is None:
            raise
        raise SystemExit(f"error: {text}") from None
