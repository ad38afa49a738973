"""The protocol on a real server: discovery, creation, offsets, checksums, the end of an upload."""

import hashlib
import os

import pytest

from tests.apps.track.uploads.tus import (
    BYTES,
    PATH,
    VERSION,
    checksum,
    metadata,
)
from tests.veza.asgi.wire import Wire, request, until

SOME = os.urandom(100_000)


class TestDiscovery:
    def test_says_what_is_offered_without_a_token(self, web):
        with Wire(web.port) as wire:
            answer = wire.get(PATH, method="OPTIONS")

        assert answer.status == 204
        assert answer.headers["tus-version"] == "1.0.0"
        assert answer.headers["tus-max-size"] == str(2 * 1024**3)
        assert answer.headers["tus-checksum-algorithm"] == "sha1,sha256,md5"
        assert set(answer.headers["tus-extension"].split(",")) == {
            "creation", "creation-with-upload", "expiration", "checksum", "termination",
        }  # fmt: skip

    def test_lets_pages_of_allowed_origins_in(self, web):
        with Wire(web.port) as wire:
            answer = wire.get(PATH, "Origin: http://localhost:3000", method="OPTIONS")

        assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"
        assert "PATCH" not in answer.headers["access-control-allow-methods"]
        assert "upload-metadata" in answer.headers["access-control-allow-headers"]
        assert "Upload-Offset" in answer.headers["access-control-expose-headers"]

    def test_tells_foreign_pages_nothing(self, web):
        with Wire(web.port) as wire:
            answer = wire.get(PATH, "Origin: https://elsewhere.example", method="OPTIONS")

        assert "access-control-allow-origin" not in answer.headers


class TestRepeatedCreation:
    KEY = "Idempotency-Key: {}"

    def test_finds_the_same_upload(self, tus):
        key = self.KEY.format("find")
        told = (key, "Upload-Length: 10", metadata(filename="a.flac"))
        first, again = tus.ask("POST", PATH, *told), tus.ask("POST", PATH, *told)

        assert (first.status, again.status) == (201, 201)
        assert first.headers["location"] == again.headers["location"]
        assert "idempotent-replayed" not in first.headers
        assert again.headers["idempotent-replayed"] == "true"
        other = tus.ask("POST", PATH, self.KEY.format("other"), *told[1:])
        assert other.headers["location"] != first.headers["location"]

    def test_tells_how_far_it_is(self, tus):
        told = (self.KEY.format("far"), "Upload-Length: 10", BYTES)
        path = tus.ask("POST", PATH, *told, body=b"12345").headers["location"]
        again = tus.ask("POST", PATH, *told, body=b"12345")

        assert (again.headers["location"], again.headers["upload-offset"]) == (path, "5")
        assert tus.patch(path, 5, b"67890").status == 204
        assert tus.offset(path) == 10

    def test_keeps_what_arrived_before_the_answer_was_lost(self, tus, live):
        told = (self.KEY.format("lost"), "Upload-Length: 10", BYTES)
        with Wire(tus.port) as wire:
            head = request(PATH, *tus.headers, *told, "Content-Length: 10", method="POST")
            wire.send(head + b"1234")
        taken = "SELECT 1 FROM track_upload WHERE size_bytes = 10 AND offset_bytes = 4"
        until(lambda: live.query(taken))
        again = tus.ask("POST", PATH, *told, body=b"1234567890")
        assert again.headers["upload-offset"] == "4"
        assert tus.offset(again.headers["location"]) == 4

    @pytest.mark.parametrize("other", ["Upload-Length: 11", "Upload-Metadata: filename Yg=="])
    def test_is_refused_for_another_file(self, tus, other):
        key = self.KEY.format(f"another-{len(other)}")
        tus.ask("POST", PATH, key, "Upload-Length: 10")
        told = (key, other) if "Length" in other else (key, "Upload-Length: 10", other)
        answer = tus.ask("POST", PATH, *told)
        assert (answer.status, answer.document["code"]) == (422, "idempotency_key_reused")

    def test_says_that_the_upload_is_gone(self, tus):
        told = (self.KEY.format("gone"), "Upload-Length: 10")
        path = tus.ask("POST", PATH, *told).headers["location"]
        assert tus.ask("DELETE", path).status == 204
        assert tus.ask("POST", PATH, *told).document["code"] == "upload_expired"

    @pytest.mark.parametrize("key", ["", "x" * 256])
    def test_needs_a_key(self, tus, key):
        answer = tus.ask("POST", PATH, self.KEY.format(key), "Upload-Length: 10")
        assert (answer.status, answer.document["code"]) == (400, "idempotency_key_invalid")


class TestCreation:
    def test_gives_an_address(self, tus):
        path = tus.create(10, metadata(filename="a.flac", filetype="audio/flac"))
        answer = tus.ask("HEAD", path)

        assert path.startswith(f"{PATH}/")
        assert answer.headers["upload-offset"] == "0"
        assert answer.headers["upload-length"] == "10"
        assert answer.headers["upload-metadata"] == "filename YS5mbGFj,filetype YXVkaW8vZmxhYw=="
        assert answer.headers["cache-control"] == "no-store"
        assert "GMT" in answer.headers["upload-expires"]

    def test_may_bring_bytes(self, tus, disk):
        path = tus.create(len(SOME), BYTES, body=SOME)

        assert disk.content(path) == SOME

    def test_may_bring_a_part(self, tus, disk):
        path = tus.create(len(SOME), BYTES, body=SOME[:1000])

        assert tus.offset(path) == 1000
        assert tus.patch(path, 1000, SOME[1000:]).status == 204
        assert disk.content(path) == SOME

    def test_of_no_bytes_is_finished_at_once(self, tus, disk):
        path = tus.create(0)

        assert disk.content(path) == b""
        assert disk.facts(path)[0]["size_bytes"] == 0

    @pytest.mark.parametrize(
        ("headers", "status", "code"),
        [
            ([], 400, "invalid"),
            (["Upload-Length: -1"], 400, "invalid"),
            (["Upload-Length: 1.5"], 400, "invalid"),
            (["Upload-Length: 9223372036854775808"], 400, "invalid"),
            (["Upload-Length: 5", "Upload-Length: 6"], 400, "invalid"),
            ([f"Upload-Length: {2 * 1024**3 + 1}"], 413, "upload_too_large"),
            (["Upload-Defer-Length: 1"], 400, "invalid"),
            (["Upload-Length: 5", "Upload-Concat: partial"], 400, "invalid"),
            (["Upload-Length: 5", "Upload-Metadata: filename ???"], 400, "invalid"),
            (["Upload-Length: 5", "Upload-Checksum: crc32 AAAAAA=="], 400, "invalid"),
        ],
    )
    def test_refuses_what_is_no_upload(self, tus, headers, status, code):
        answer = tus.ask("POST", PATH, *headers)

        assert (answer.status, answer.document["code"]) == (status, code)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["tus-resumable"] == "1.0.0"

    def test_takes_bytes_of_one_type_only(self, tus):
        answer = tus.ask(
            "POST", PATH, "Upload-Length: 5", "Content-Type: text/plain", body=b"hello"
        )

        assert answer.status == 415

    def test_takes_no_more_bytes_than_it_announces(self, tus):
        answer = tus.ask("POST", PATH, "Upload-Length: 4", BYTES, body=b"hello")

        assert (answer.status, answer.document["code"]) == (413, "upload_length_exceeded")

    def test_with_the_wrong_checksum_makes_nothing(self, tus, live):
        before = live.query("SELECT count(*) FROM track_upload")

        answer = tus.ask("POST", PATH, "Upload-Length: 5", BYTES, checksum(b"other"), body=b"hello")

        assert answer.status == 460
        assert live.query("SELECT count(*) FROM track_upload") == before


class TestCallers:
    @pytest.mark.parametrize("method", ["POST", "HEAD", "PATCH", "DELETE"])
    def test_need_a_token(self, web, tus, method):
        path = PATH if method == "POST" else tus.create(5)
        with Wire(web.port) as wire:
            answer = wire.get(path, VERSION, "Upload-Length: 5", method=method)

        assert answer.status == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")

    @pytest.mark.parametrize("version", ["Tus-Resumable: 0.2.2", "X-Other: 1"])
    def test_speak_this_version(self, web, tus, version):
        with Wire(web.port) as wire:
            answer = wire.get(PATH, version, tus.headers[1], "Upload-Length: 5", method="POST")

        assert (answer.status, answer.document["code"]) == (412, "tus_version_unsupported")
        assert answer.headers["tus-version"] == "1.0.0"

    @pytest.mark.parametrize("method", ["HEAD", "PATCH", "DELETE"])
    def test_do_not_see_uploads_of_others(self, web, tus, method):
        path = tus.create(5)
        other = type(tus)(port=web.port, account=web.register())

        answer = other.ask(method, path, BYTES, "Upload-Offset: 0")

        assert answer.status == 404
        assert tus.offset(path) == 0

    @pytest.mark.parametrize("name", ["x", "00000000-0000-7000-8000-000000000000", "a/b", "%2e%2e"])
    def test_do_not_find_what_is_not_there(self, tus, name):
        assert tus.ask("HEAD", f"{PATH}/{name}").status == 404

    @pytest.mark.parametrize("scopes", [("write",), ("read", "write")])
    def test_may_be_programs_that_write(self, web, tus, live, scopes):
        token = live.shell.run(_TOKEN.format(tus.account.id, scopes))
        with Wire(web.port) as wire:
            answer = wire.get(
                PATH, VERSION, f"Authorization: Bearer {token.strip()}", "Upload-Length: 5",
                method="POST",
            )  # fmt: skip

        assert answer.status == 201

    def test_may_not_be_programs_that_read(self, web, tus, live):
        token = live.shell.run(_TOKEN.format(tus.account.id, ("read",)))
        with Wire(web.port) as wire:
            answer = wire.get(
                PATH, VERSION, f"Authorization: Bearer {token.strip()}", "Upload-Length: 5",
                method="POST",
            )  # fmt: skip

        assert (answer.status, answer.document["code"]) == (403, "insufficient_scope")

    def test_cannot_pass_one_method_for_another(self, tus):
        path = tus.create(5)

        answer = tus.ask("POST", path, "X-HTTP-Method-Override: PATCH", BYTES, "Upload-Offset: 0")

        assert answer.status == 405
        assert answer.headers["allow"] == "DELETE, HEAD, OPTIONS, PATCH"


_TOKEN = """
from datetime import timedelta
from django.utils import timezone
from apps.auth.models import AccessToken
from apps.auth.selectors.access_tokens import hash_of
from veza.kit.models import new_id
raw = f"veza_pat_{{new_id().hex}}"
AccessToken.objects.create(
    user_id="{}", name="x", hash=hash_of(raw), scopes=list({}),
    expires_at=timezone.now() + timedelta(days=1),
)
print(raw)
"""


class TestAppending:
    def test_in_pieces_keeps_every_byte(self, tus, disk):
        path = tus.create(len(SOME))
        for offset in range(0, len(SOME), 30_000):
            answer = tus.patch(path, offset, SOME[offset : offset + 30_000])
            assert answer.status == 204
            assert answer.headers["upload-offset"] == str(min(offset + 30_000, len(SOME)))

        assert disk.content(path) == SOME
        assert disk.staged(path) == []

    def test_tells_of_the_whole_once(self, tus, disk):
        path = tus.create(len(SOME), metadata(filename="../a b.mp3", filetype="audio/mpeg"))
        tus.patch(path, 0, SOME)
        tus.patch(path, len(SOME), b"")

        assert disk.facts(path) == [
            {
                "upload_id": path.rpartition("/")[2],
                "user_id": tus.account.id,
                "size_bytes": len(SOME),
                "sha256": hashlib.sha256(SOME).hexdigest(),
                "filename": "a b.mp3",
                "content_type": "audio/mpeg",
            }
        ]

    def test_without_a_length_of_the_body(self, web, tus, disk):
        path = tus.create(len(SOME))
        head = request(
            path, *tus.headers, BYTES, "Upload-Offset: 0", "Transfer-Encoding: chunked",
            method="PATCH",
        )  # fmt: skip
        chunks = b"".join(
            b"%x\r\n%b\r\n" % (len(SOME[at : at + 7777]), SOME[at : at + 7777])
            for at in range(0, len(SOME), 7777)
        )
        with Wire(web.port) as wire:
            answer = wire.send(head + chunks + b"0\r\n\r\n").answer()

        assert answer.status == 204
        assert disk.content(path) == SOME

    @pytest.mark.parametrize("offset", ["1", "99999", "-1", "", "0x0"])
    def test_at_another_offset_changes_nothing(self, tus, offset):
        path = tus.create(5)

        answer = tus.ask("PATCH", path, BYTES, f"Upload-Offset: {offset}", body=b"hello")

        assert answer.status == (409 if offset.isdigit() else 400)
        assert tus.offset(path) == 0

    def test_of_another_type_is_refused(self, tus):
        path = tus.create(5)

        answer = tus.ask(
            "PATCH", path, "Content-Type: application/json", "Upload-Offset: 0", body=b"hello"
        )

        assert answer.status == 415

    def test_of_too_many_bytes_is_refused(self, tus):
        path = tus.create(4)

        assert tus.patch(path, 0, b"hello").status == 413
        assert tus.offset(path) == 0

    def test_of_too_many_bytes_without_a_length_is_refused(self, web, tus, disk):
        path = tus.create(4)
        head = request(
            path, *tus.headers, BYTES, "Upload-Offset: 0", "Transfer-Encoding: chunked",
            method="PATCH",
        )  # fmt: skip
        with Wire(web.port) as wire:
            answer = wire.send(head + b"4\r\nhell\r\n1\r\no\r\n0\r\n\r\n").answer()

        assert answer.status == 413
        assert disk.row(path).state == "receiving"

    def test_to_a_whole_one_is_refused(self, tus, disk):
        path = tus.create(5, BYTES, body=b"hello")

        assert tus.patch(path, 5, b"x").status == 413
        assert tus.patch(path, 0, b"hello").status == 409
        assert disk.content(path) == b"hello"


class TestChecksums:
    @pytest.mark.parametrize("algorithm", ["sha1", "sha256", "md5"])
    def test_that_hold_are_taken(self, tus, disk, algorithm):
        path = tus.create(len(SOME))

        assert tus.patch(path, 0, SOME, checksum(SOME, algorithm)).status == 204
        assert disk.content(path) == SOME

    def test_that_do_not_hold_leave_the_offset(self, tus, disk):
        path = tus.create(len(SOME))
        tus.patch(path, 0, SOME[:500], checksum(SOME[:500]))

        answer = tus.patch(path, 500, SOME[500:], checksum(SOME))

        assert (answer.status, answer.document["code"]) == (460, "checksum_mismatch")
        assert tus.offset(path) == 500
        assert tus.patch(path, 500, SOME[500:], checksum(SOME[500:])).status == 204
        assert disk.content(path) == SOME

    def test_are_awaited_before_anything_is_kept(self, tus, disk):
        path = tus.create(len(SOME))
        with Wire(tus.port) as wire:
            wire.send(
                request(
                    path, *tus.headers, BYTES, "Upload-Offset: 0", checksum(SOME),
                    f"Content-Length: {len(SOME)}", method="PATCH",
                )
                + SOME[:60_000]
            )  # fmt: skip

        assert tus.offset(path) == 0


class TestTermination:
    @pytest.mark.parametrize("sent", [0, 50, 100])
    def test_removes_everything(self, tus, disk, sent):
        path = tus.create(100)
        tus.patch(path, 0, SOME[:sent])
        key = disk.row(path).key

        assert tus.ask("DELETE", path).status == 204
        assert tus.ask("HEAD", path).status == 404
        assert disk.staged(path) == []
        assert not (disk.root / key).exists()

    def test_ends_who_is_writing(self, tus):
        path = tus.create(100)
        with tus.start(path, 0, announced=100, sent=b"x" * 50) as wire:
            assert tus.ask("DELETE", path).status == 204
            assert wire.answer().status in (404, 423)
