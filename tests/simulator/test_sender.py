"""A client that doesn't take what it is told is cut off; the exchange never waits for it."""

from collections.abc import Callable

import trio
import trio.testing

from reconciler.simulator.sender import CORKED_FRAMES_MAX, QUEUE_FRAMES_MAX, Message, Sender


class ALine:
    """Counts what is done to it."""

    def __init__(self) -> None:
        self.resets = 0
        self.pieces: list[int] = []
        self.sent: list[Message] = []
        self._corked_at = 0

    def cork(self) -> None:
        self._corked_at = len(self.sent)

    async def uncork(self) -> None:
        self.pieces.append(len(self.sent) - self._corked_at)

    @property
    def reset(self) -> Callable[[], None]:
        def reset() -> None:
            self.resets += 1

        return reset

    async def send(self, message: Message) -> None:
        await trio.lowlevel.checkpoint()
        self.sent.append(message)

    @property
    def is_stalled(self) -> bool:
        return False

    def stall(self) -> None:
        raise AssertionError("nobody asked for it")


def test_a_full_queue_resets_the_line() -> None:
    line = ALine()
    sender = Sender(line)
    for _ in range(QUEUE_FRAMES_MAX):
        sender.say("x")
    assert line.resets == 0
    sender.say("x")
    assert line.resets == 1


def test_what_has_piled_up_goes_out_in_few_pieces_and_in_order() -> None:
    async def main() -> None:
        line = ALine()
        sender = Sender(line)
        frames = [str(number) for number in range(CORKED_FRAMES_MAX + 10)]
        for frame in frames:
            sender.say(frame)
        sender.close(1000)
        sender.say("too late")
        await sender.run(line.send)
        assert [message.get("text") for message in line.sent] == [*frames, None]
        assert line.pieces == [CORKED_FRAMES_MAX, 11]

    trio.run(main)
