"""Which row of a list a fact is, and of which time: what paging needs to know of facts."""

from collections.abc import Hashable, Iterable

from reconciler.domain.facts import Deal, Fact, Movement, Order, Transaction, Unreadable


def key_of(fact: Fact) -> Hashable:
    """What tells the row apart from the others of its account, whatever its state."""
    match fact:
        case Deal():
            return fact.deal_id, fact.order_id
        case Order():
            return fact.order_id
        case Transaction():
            return fact.kind, fact.transaction_id
        case Movement():
            return fact.kind, fact.movement_id
        case Unreadable():
            return fact.stream, fact.excerpt
        case _:
            raise AssertionError(f"no row of a history: {type(fact).__name__}")


def keys_of(facts: Iterable[Fact]) -> set[Hashable]:
    """Of all of them."""
    return {key_of(fact) for fact in facts}


def moment_of(fact: Fact) -> int | None:
    """The time by which lists without a time filter are sorted, newest first; None of a row that
    could not be understood."""
    match fact:
        case Transaction():
            return fact.created_at
        case Movement():
            return fact.occurred_at
        case Deal():
            return fact.executed_at
        case _:
            return None


def all_understood(facts: Iterable[Fact]) -> bool:
    """Whether these can prove anything: a row that nobody could read may be any row."""
    return not any(isinstance(fact, Unreadable) for fact in facts)
