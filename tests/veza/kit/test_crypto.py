import pytest
from django.test import override_settings

from veza.kit.crypto import DecryptionError, decrypt, encrypt

OLD, NEW = "o" * 40, "n" * 40


class TestSecrets:
    def test_come_back_whole(self) -> None:
        for text in ("", "secret", "é \U0001f600" * 1000):
            assert decrypt(encrypt(text)) == text

    def test_do_not_show_that_they_are_equal(self) -> None:
        assert encrypt("secret") != encrypt("secret")

    def test_survive_a_change_of_keys_while_the_old_one_is_named(self) -> None:
        with override_settings(ENCRYPTION_KEYS=[OLD]):
            token = encrypt("secret")
        with override_settings(ENCRYPTION_KEYS=[NEW, OLD]):
            assert decrypt(token) == "secret"
            renewed = encrypt("secret")
        with override_settings(ENCRYPTION_KEYS=[NEW]):
            assert decrypt(renewed) == "secret"
            with pytest.raises(DecryptionError):
                decrypt(token)

    def test_cannot_be_changed(self) -> None:
        token = encrypt("secret")
        other = "B" if token[20] == "A" else "A"
        for wrong in (token[:-8], "", "x", "é", token[:20] + other + token[21:]):
            with pytest.raises(DecryptionError):
                decrypt(wrong)
