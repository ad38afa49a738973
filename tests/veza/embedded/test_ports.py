import socket

import pytest

from veza.embedded.errors import EmbeddedError
from veza.embedded.ports import check_port, free_port


class TestCheckPort:
    @pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])  # noqa: S104
    def test_names_a_taken_port_and_another_one(self, host):
        with socket.create_server((host, 0)) as taken:
            port = taken.getsockname()[1]
            with pytest.raises(EmbeddedError, match=rf"Port {port} is taken .* PORT=\d+"):
                check_port(port)

    def test_is_content_with_a_free_one(self):
        check_port(free_port())


class TestFreePort:
    def test_gives_one_that_can_be_listened_on(self):
        with socket.create_server(("127.0.0.1", free_port())):
            pass
