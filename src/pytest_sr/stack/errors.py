"""What can go wrong with the stack.

    StackError
    ├── AddressesError    a text is not the addresses of a stack
    ├── BinaryError       a server program is missing or unfit
    ├── PlaceError        a directory or a port does not serve
    ├── ProbeError        a service answered, but not what it should
    ├── ServiceError      a service did not become ready
    └── SupervisorError   the supervisor ended instead of giving addresses

Each says what was found, then what to do.
"""


class StackError(Exception):
    """The stack cannot do what was asked of it."""

    def __init__(self, *, found: str, remedy: str) -> None:
        super().__init__(f"{found}. {remedy}.")


class AddressesError(StackError):
    """A text is not the addresses of a stack."""


class BinaryError(StackError):
    """A server program is missing or unfit."""


class PlaceError(StackError):
    """A directory or a port does not serve."""


class ProbeError(StackError):
    """A service answered, but not what it should."""


class ServiceError(StackError):
    """A service did not become ready."""

    def __init__(self, *, service: str, found: str, log: str) -> None:
        """Keep `log`, the last lines that the service wrote, for whoever reads."""
        self.service = service
        self.log = log
        remedy = "Its log ends as follows" if log else "Its log is empty"
        super().__init__(found=f"{service} {found}", remedy=remedy)

    def __str__(self) -> str:
        return "\n".join(each for each in (super().__str__(), self.log) if each)


class SupervisorError(StackError):
    """The supervisor ended instead of giving addresses."""
