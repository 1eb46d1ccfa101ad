"""An account's wallets of one asset, and a ledger of each that learns as the real one does: late,
of transfers nothing, and of conversions not which wallet they moved.

What explains the steps is booked at its time and the reports are weighed again, as `store.steps`
does it.  The truth is kept beside it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from operator import itemgetter
from random import Random

from reconciler.domain.moments import SECOND
from reconciler.domain.words import Wallet
from reconciler.reconcile.judge import Proof, absorbed, blurred, judge, learned_late, returned
from reconciler.reconcile.prefix import Seen, window
from reconciler.reconcile.runs import ALWAYS, From
from reconciler.reconcile.transfers import Explanation, Item, explain_steps
from tests.reconcile.truth import SKEW, UNIT, Event, Life, money, verified

LATE = 8 * SECOND
"""By when the ledger has learned of what has a record."""

EVERY = {
    Wallet.SPOT: SECOND,
    Wallet.COLLATERAL: 3 * SECOND // 2,
    Wallet.MAIN: 20 * SECOND,
}
"""How often a wallet is told; all are read every two seconds while there is a doubt."""

OPENING = 10**14


@dataclass(slots=True)
class Account:
    """All lives begin at zero, and no earlier."""

    truth: dict[Wallet, Life]
    ledger: dict[Wallet, Life]
    items: list[Item] = field(default_factory=list)
    found: list[Explanation] = field(default_factory=list)
    told: dict[Wallet, int] = field(default_factory=dict)
    """Of which moment each wallet was told last."""
    proofs: dict[Wallet, Proof] = field(init=False)

    def __post_init__(self) -> None:
        self.proofs = {
            wallet: verified(life.allows(life.report(0, 0)).possible)
            for wallet, life in self.ledger.items()
        }

    @property
    def in_doubt(self) -> bool:
        return any(proof.step is not None for proof in self.proofs.values())

    def happen(self, wallet: Wallet, event: Event) -> None:
        """To a wallet, and nobody tells."""
        self.truth[wallet] = _with(self.truth[wallet], event)

    def learn(self, wallet: Wallet, event: Event, *, now: int) -> None:
        """A record says so."""
        self.ledger[wallet] = _with(self.ledger[wallet], event)
        proof = self.proofs[wallet]
        if event.at < (proof.seen_at or 0):
            self.proofs[wallet] = learned_late(proof, money(event.amount))
        self.weigh(wallet, [], now=now)

    def weigh(self, wallet: Wallet, reports: Iterable[Seen], *, now: int = ALWAYS) -> None:
        self.proofs[wallet] = judge(self.proofs[wallet], [*reports], self.ledger[wallet].allows)
        self.explain(now=now)

    def explain(self, *, now: int = ALWAYS) -> None:
        """All that can be, one after the other; by `now` all records are known that are so old."""
        proven = now - LATE
        while self.in_doubt and (
            found := explain_steps(self.proofs, self.items, proven_until=proven)
        ):
            self.found.append(found)
            self.items = [item for item in self.items if item not in found.items]
            first, last = window(found.after, SKEW)[0], window(found.since, SKEW)[1]
            for wallet, moved in found.moves.items():
                entry = Event(min(first, last), int(moved / money(1)), last)
                self.ledger[wallet] = _with(self.ledger[wallet], entry)
                proof = self.proofs[wallet]
                match found.runs[wallet].origin:
                    case From.NOTHING_SEEN:
                        proof = absorbed(proof, moved)
                    case From.DRIFT:
                        proof = returned(proof, moved)
                proof = blurred(proof, found.or_more.get(wallet, ()))
                self.proofs[wallet] = judge(proof, [], self.ledger[wallet].allows)


def _with(life: Life, event: Event) -> Life:
    return replace(life, events=(*life.events, event))


def opened(openings: dict[Wallet, int]) -> Account:
    lives = {wallet: Life(wallet, opening, ()) for wallet, opening in openings.items()}
    return Account(dict(lives), dict(lives))


def lived(chance: Random, *, minutes: int = 1, causes: int = 12, deals: int = 20) -> Account:
    """A random life: transfers, conversions, deposits and deals, then a quiet while; all of it is
    reported late and cut."""
    account = opened({wallet: OPENING + chance.randrange(UNIT) for wallet in Wallet})
    end = minutes * 60 * SECOND
    plan: list[tuple[int, Callable[[int], None]]] = []
    for number in range(causes + deals):
        at = chance.randrange(10 * SECOND, end)
        cause = _deal if number >= causes else chance.choice([_transfer, _conversion, _deposit])
        plan += cause(account, chance, at)
    for wallet, every in EVERY.items():
        told = partial(_told, account, chance, wallet)
        plan += [(at, told) for at in range(every, end, every)]
        plan += [(end + number * 10 * SECOND, told) for number in range(1, 7)]
    again = partial(_told_again, account, chance)
    plan += [(at, again) for at in range(SECOND, end + 60 * SECOND, 2 * SECOND)]
    for at, happens in sorted(plan, key=itemgetter(0)):
        happens(at)
    return account


Plan = list[tuple[int, Callable[[int], None]]]


def _transfer(account: Account, chance: Random, at: int) -> Plan:
    giver, taker = chance.sample([*Wallet], 2)
    amount = chance.randrange(10**3, 10**9) * UNIT

    def happens(at: int) -> None:
        account.happen(giver, Event(at, -amount))
        account.happen(taker, Event(at, amount))

    return [(at, happens)]


def _conversion(account: Account, chance: Random, at: int) -> Plan:
    wallet = chance.choice([Wallet.SPOT, Wallet.MAIN])
    amount = chance.choice([1, -1]) * chance.randrange(10**3, 10**9) * UNIT
    known_at = at + chance.randrange(LATE)

    def is_known(at_: int) -> None:
        since, until = at - SECOND, at_ + SECOND
        account.items.append(Item(amount=money(amount), since=since, until=until))
        account.explain(now=at_)

    return [
        (at, lambda at: account.happen(wallet, Event(at, amount))),
        (known_at, is_known),
    ]


def _deposit(account: Account, chance: Random, at: int) -> Plan:
    event = Event(at - chance.randrange(5 * SECOND), chance.randrange(10**5, 10**11))
    known_at = at + chance.randrange(LATE)
    known = replace(event, latest_at=known_at, happened_at=at)
    return [
        (at, lambda at: account.happen(Wallet.MAIN, known)),
        (known_at, lambda at: account.learn(Wallet.MAIN, known, now=at)),
    ]


def _deal(account: Account, chance: Random, at: int) -> Plan:
    event = Event(at, chance.choice([1, -1]) * chance.randrange(1, 10**8))
    known_at = at + chance.randrange(3 * SECOND)
    return [
        (at, lambda at: account.happen(Wallet.SPOT, event)),
        (known_at, lambda at: account.learn(Wallet.SPOT, event, now=at)),
    ]


def _told(account: Account, chance: Random, wallet: Wallet, at: int) -> None:
    """Of a moment that is never before that of the last report."""
    latest = account.told.get(wallet, 0)
    moment = account.told[wallet] = max(latest, at - chance.randrange(5 * SECOND))
    frozen = chance.randrange(10**9)
    account.weigh(wallet, [account.truth[wallet].report(at, moment, frozen)], now=at)


def _told_again(account: Account, chance: Random, at: int) -> None:
    if account.in_doubt:
        for wallet in Wallet:
            _told(account, chance, wallet, at)
