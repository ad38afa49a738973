"""The alert rules: their metrics exist, the runbook says what to do, and they fire."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

RULES = Path(settings.BASE_DIR) / "deploy" / "prometheus" / "rules.yml"
TESTS = RULES.with_name("rules.test.yml")
EXPOSITION = Path(settings.BASE_DIR) / "veza" / "health" / "exposition.py"
COUNTED = Path(settings.BASE_DIR) / "veza" / "kit" / "metrics.py"


def alerts() -> list[str]:
    return re.findall(r"^ +- alert: (\w+)$", RULES.read_text(), re.MULTILINE)


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-") for title in titles}


def test_each_alert_names_a_section_that_the_runbook_has() -> None:
    links = re.findall(r"^ +runbook: (\S+)#(\S+)$", RULES.read_text(), re.MULTILINE)
    assert len(links) == len(alerts())
    for page, anchor in links:
        assert anchor in anchors(Path(settings.BASE_DIR) / page)


def test_each_metric_is_one_of_ours() -> None:
    ours = EXPOSITION.read_text() + COUNTED.read_text()
    for metric in set(re.findall(r"veza_\w+", RULES.read_text())):
        assert f'"{metric}"' in ours


def test_each_alert_is_tried() -> None:
    tried = set(re.findall(r"alertname: (\w+)\n +exp_alerts:\n", TESTS.read_text()))
    assert tried == set(alerts())


@pytest.mark.needs_promtool
def test_the_rules_do_what_their_tests_say() -> None:
    done = subprocess.run(
        [os.environ["PROMTOOL"], "test", "rules", TESTS], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode() + done.stdout.decode()
