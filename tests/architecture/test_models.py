"""Apps, their layers, their migrations and the foreign keys between their tables."""
# ruff: noqa: DJ008 - the models below are never shown to anyone

from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db import models
from django.test.utils import isolate_apps

from tests.architecture import model_walls

ROOT = Path(settings.BASE_DIR)
DEPTHS = {settings.APP_LABELS[name]: depth for name, depth in model_walls.layers(ROOT).items()}


class TestApps:
    def test_each_has_a_layer_and_migrations(self):
        assert model_walls.homeless_apps(ROOT) == []

    def test_each_is_installed(self):
        assert set(settings.VEZA_APPS) == {path.parent.name for path in ROOT.glob("apps/*/apps.py")}

    def test_one_without_layer_or_migrations_is_seen(self, tmp_path):
        (tmp_path / "apps/rounds").mkdir(parents=True)
        (tmp_path / "apps/rounds/apps.py").touch()
        (tmp_path / "migrations/old").mkdir(parents=True)
        (tmp_path / "migrations/old/__init__.py").touch()
        (tmp_path / "pyproject.toml").write_text(
            '[[tool.importlinter.contracts]]\nid = "app-layers"\nlayers = ["chat | live", "auth"]\n'
        )

        assert model_walls.homeless_apps(tmp_path) == [
            "rounds: has no layer in pyproject.toml",
            "auth: has a layer and no app",
            "chat: has a layer and no app",
            "live: has a layer and no app",
            "rounds: has no package migrations/rounds",
            "migrations/old: has no app",
        ]


class TestRelations:
    def test_go_down_only(self):
        assert model_walls.rising_relations(apps.get_models(), DEPTHS) == []

    def test_between_apps_leave_no_name_behind(self):
        assert model_walls.reverse_names(apps.get_models(), DEPTHS) == []

    @isolate_apps("apps.auth", "apps.track", "apps.datastream")
    def test_up_and_sideways_are_seen(self):
        class Track(models.Model):
            class Meta:
                app_label = "track"

        class Person(models.Model):
            best = models.ForeignKey(Track, models.CASCADE, related_name="+")

            class Meta:
                app_label = "accounts"

        class Game(models.Model):
            owner = models.ForeignKey(Person, models.CASCADE, related_name="+")
            tracks = models.ManyToManyField(Track, related_name="+")

            class Meta:
                app_label = "datastream"

        assert model_walls.rising_relations([Track, Person, Game], DEPTHS) == [
            "accounts.Person.best: accounts may not point to track",
            "datastream.Game.tracks: datastream may not point to track",
        ]

    @isolate_apps("apps.auth", "apps.track")
    def test_a_name_left_behind_in_another_app_is_seen(self):
        class Person(models.Model):
            class Meta:
                app_label = "accounts"

        class Track(models.Model):
            owner = models.ForeignKey(Person, models.CASCADE)
            singer = models.ForeignKey(Person, models.CASCADE, related_name="+")
            original = models.ForeignKey("self", models.CASCADE)

            class Meta:
                app_label = "track"

        assert model_walls.reverse_names([Person, Track], DEPTHS) == [
            'track.Track.owner: set related_name="+"'
        ]
