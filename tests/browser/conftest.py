"""What is expected of a page is waited for as everything else."""

from playwright.sync_api import expect

from tests.patience import PATIENCE_MS

expect.set_options(timeout=PATIENCE_MS)
