"""The one exception that is meant for the user's eyes."""


class UserError(Exception):
    """A mistake that the user can mend; the message names the file, the key and the cure."""
