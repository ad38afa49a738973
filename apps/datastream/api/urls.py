"""Addresses of data streams, relative to /api/v1/."""

from django.urls import path

from apps.datastream.api.views import games, instruments, metrics

urlpatterns = [
    path("games", games.GamesView.as_view(), name="games"),
    path("games/<str:slug>/rounds/latest", games.LatestRoundView.as_view(), name="latest-round"),
    path("games/<str:slug>/rounds", games.RoundsView.as_view(), name="rounds"),
    path("game-types/<str:game_type>/rounds", games.RoundsOfTypeView.as_view(), name="type-rounds"),
    path("instruments", instruments.InstrumentsView.as_view(), name="instruments"),
    # A name may have slashes in it: BTC/USDT.
    path("instruments/<path:name>/price", instruments.PriceView.as_view(), name="price"),
    path("metrics", metrics.MetricsView.as_view(), name="metrics-list"),
    path("metrics/readings", metrics.ReadingsView.as_view(), name="metrics-readings"),
    path("metrics/<uuid:metric_id>", metrics.MetricView.as_view(), name="metric"),
]
