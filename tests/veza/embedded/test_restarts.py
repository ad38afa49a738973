from veza.embedded.restarts import Restarts


def after(deaths: int, *, lived_s: float = 1.0) -> Restarts:
    restarts = Restarts()
    for _ in range(deaths):
        restarts = restarts.after_death(lived_s=lived_s)
    return restarts


class TestRestarts:
    def test_wait_twice_as_long_after_each_death_up_to_half_a_minute(self):
        waits = [after(deaths).wait_s(chance=1.0) for deaths in range(1, 12)]
        assert waits == [0.25, 0.5, 1, 2, 4, 8, 16, 30, 30, 30, 30]

    def test_spread_the_wait_over_its_upper_half(self):
        assert after(3).wait_s(chance=0.0) == 0.5
        assert after(3).wait_s(chance=0.5) == 0.75

    def test_forget_earlier_deaths_after_a_minute_of_health(self):
        assert after(9).after_death(lived_s=60).deaths == 1
        assert after(9).after_death(lived_s=59.9).deaths == 10

    def test_never_wait_longer_however_often_it_dies(self):
        assert after(5000).wait_s(chance=1.0) == 30
