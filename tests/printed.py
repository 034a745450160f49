"""What a command printed, read as sentences and not as lines."""


def sentence(text: str) -> str:
    """Return a text in one line: a refusal is wrapped to the width of the terminal."""
    return " ".join(text.split())
