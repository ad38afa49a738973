"""In which sizes pictures of playlists are kept. They are shown by signed addresses alone."""

from apps.auth.types import Picture

ARTWORK = Picture(
    folder="artwork/playlists/",
    sizes={"160": (160, 160), "640": (640, 640)},
    usual="640",
)
