"""What the code of apps does without."""

from pathlib import Path

import pytest
from django.conf import settings

from tests.architecture import code_walls

ROOT = Path(settings.BASE_DIR)
WALLS = [
    code_walls.banned_names,
    code_walls.signals,
    code_walls.meta_ordering,
    code_walls.late_imports,
    code_walls.writing_serializers,
]
BROKEN = {
    "banned_names": [
        "from django.contrib.contenttypes.fields import GenericForeignKey\n",
        "from rest_framework import viewsets\nclass V(viewsets.ModelViewSet): pass\n",
        "from django.apps import apps\nTrack = apps.get_model('track', 'Track')\n",
    ],
    "signals": [
        "from django.db.models.signals import post_save\n",
        "from django.dispatch import receiver\n",
        "from django.db.models import signals\n",
        "import django.core.signals\n",
    ],
    "meta_ordering": [
        "class Track:\n    class Meta:\n        ordering = ['-id']\n",
        "class Track:\n    class Meta:\n        ordering: list[str] = ['-id']\n",
    ],
    "late_imports": [
        "def place_order():\n    from apps.track import services\n",
        "class Shop:\n    async def buy(self):\n        import apps.track.services\n",
    ],
    "writing_serializers": [
        "class TrackInput(serializers.Serializer):\n    def create(self, data): ...\n",
        "class TrackInput(ModelSerializer):\n    def update(self, row, data): ...\n",
        "class Named(Serializer): ...\nclass Track(Named):\n    def save(self, **data): ...\n",
    ],
}
FINE = """
from django.db import models
from rest_framework import serializers, viewsets

class Track(models.Model):
    class Meta:
        indexes = []

    def save(self): ...

class CreateTrackInput(serializers.Serializer):
    title = serializers.CharField()

    def validate_title(self, value): ...

class TrackViewSet(viewsets.GenericViewSet):
    def create(self, request): ...
"""


@pytest.mark.parametrize("wall", WALLS, ids=lambda wall: wall.__name__)
def test_stands(wall):
    assert wall(ROOT) == []


@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name, texts in BROKEN.items() for text in texts]
)
def test_is_seen_to_fall(tmp_path, name, text):
    module = tmp_path / "apps" / "track" / "models.py"
    module.parent.mkdir(parents=True)
    module.write_text(text)

    fallen = [wall.__name__ for wall in WALLS if wall(tmp_path)]

    assert fallen == [name]


def test_ordinary_code_passes(tmp_path):
    module = tmp_path / "apps" / "track" / "models.py"
    module.parent.mkdir(parents=True)
    module.write_text(FINE)

    assert [wall.__name__ for wall in WALLS if wall(tmp_path)] == []


def test_the_place_where_django_wants_late_imports_may_have_them(tmp_path):
    module = tmp_path / "apps" / "track" / "apps.py"
    module.parent.mkdir(parents=True)
    module.write_text("class C:\n    def ready(self):\n        from apps.track import handlers\n")

    assert code_walls.late_imports(tmp_path) == []
