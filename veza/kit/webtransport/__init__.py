"""A WebTransport server over HTTP/3 (draft 02, as browsers speak it), on aioquic."""
