"""The wheel, on a clock that is turned by hand."""

from collections.abc import Callable

from apps.realtime.transports.centrifugo.heartbeat import SLOTS, TICK_S, TimerWheel


class Clock:
    """Time passes when it is told to, and timers run then."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        self.timers.append((self.now + seconds, call))

    def pass_s(self, seconds: float) -> None:
        end = self.now + seconds
        while due := [timer for timer in self.timers if timer[0] <= end]:
            timer = min(due)
            self.timers.remove(timer)
            self.now = max(self.now, timer[0])
            timer[1]()
        self.now = end


class Alarm:
    """Rings at a time, and then at each `every`."""

    def __init__(self, clock: Clock, after_s: float, every_s: float = 1e9) -> None:
        self.clock = clock
        self.at = clock.now + after_s
        self.every_s = every_s
        self.rang: list[float] = []

    def due_at(self) -> float:
        return self.at

    def wake(self, now: float) -> None:
        if now >= self.at:
            self.rang.append(now - self.at)
            self.at += self.every_s


def new_wheel() -> tuple[Clock, TimerWheel]:
    clock = Clock()
    return clock, TimerWheel(clock=lambda: clock.now, later=clock.later)


class TestTimerWheel:
    def test_wakes_all_within_two_ticks_of_their_time(self) -> None:
        clock, wheel = new_wheel()
        alarms = [Alarm(clock, after_s=number * 0.37) for number in range(400)]
        for alarm in alarms:
            wheel.add(alarm)
        clock.pass_s(400 * 0.37 + 2)
        assert all(len(alarm.rang) == 1 for alarm in alarms)
        assert all(alarm.rang[0] <= 2 * TICK_S for alarm in alarms)

    def test_wakes_again_and_again(self) -> None:
        clock, wheel = new_wheel()
        alarm = Alarm(clock, after_s=12.5, every_s=25.0)
        wheel.add(alarm)
        clock.pass_s(26 * 25.0)
        assert len(alarm.rang) == 26

    def test_forgets_what_is_discarded(self) -> None:
        clock, wheel = new_wheel()
        alarm = Alarm(clock, after_s=5)
        wheel.add(alarm)
        wheel.discard(alarm)
        wheel.discard(alarm)
        clock.pass_s(60)
        assert alarm.rang == []
        assert len(wheel) == 0

    def test_stands_still_while_nothing_waits(self) -> None:
        clock, wheel = new_wheel()
        alarm = Alarm(clock, after_s=5)
        wheel.add(alarm)
        wheel.discard(alarm)
        clock.pass_s(60)
        assert clock.timers == []
        wheel.add(alarm)
        assert len(clock.timers) == 1

    def test_catches_up_after_a_pause_of_the_process(self) -> None:
        clock, wheel = new_wheel()
        alarms = [Alarm(clock, after_s=number) for number in range(30)]
        for alarm in alarms:
            wheel.add(alarm)
        clock.now += SLOTS * TICK_S * 3
        clock.pass_s(TICK_S)
        assert all(len(alarm.rang) == 1 for alarm in alarms)
