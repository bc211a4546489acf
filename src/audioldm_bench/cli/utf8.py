"""Names and prompts that are no text: bytes of the command line or the disk that are no UTF-8."""


def is_text(given: object) -> bool:
    """Python keeps such bytes as surrogates, which no file in UTF-8 takes."""
    return not any("\ud800" <= sign <= "\udfff" for sign in str(given))


def shown(given: object) -> str:
    """With a mark in place of what is no text."""
    return str(given).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
