"""The installation that the other tests of realtime stand on."""

from tests.apps.realtime.live import Account, Live, Web


def test_facts_reach_the_log(live: Live, web: Web, account: Account) -> None:
    metric = web.create_metric(account)
    web.add_reading(account, metric["id"])
    ids = live.commit([{"value": 1}, {"value": 2}])
    live.wait_until_logged(ids)
    assert [id_ for id_, _ in live.logged(room="metrics")][-2:] == ids


def test_the_web_process_can_be_restarted(web: Web) -> None:
    web.restart()
    assert web.call("GET", "/api/v1/metrics").status_code == 200
    web.restart(kill=True)
    assert web.call("GET", "/api/v1/metrics").status_code == 200


def test_another_one_has_settings_of_its_own(live: Live) -> None:
    with live.another_web(RATE_LIMIT_PER_MINUTE=7) as web:
        answer = web.call("GET", "/api/v1/metrics")
    assert answer.headers["X-RateLimit-Limit"] == "7"
