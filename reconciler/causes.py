"""What lies at the bottom of an exception group."""

from collections.abc import Iterator


def leaves(error: BaseException) -> Iterator[BaseException]:
    """Every exception in `error` that is no group, in the order of the groups; itself, if none."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from leaves(inner)
    else:
        yield error
