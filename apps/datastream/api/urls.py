"""Addresses of data streams, relative to /api/v1/."""

from django.urls import path

from apps.datastream.api.views import instruments, metrics

urlpatterns = [
    path("instruments", instruments.InstrumentsView.as_view(), name="instruments"),
    # A name may have slashes in it: BTC/USDT.
    path("instruments/<path:name>/price", instruments.PriceView.as_view(), name="price"),
    path("metrics", metrics.MetricsView.as_view(), name="metrics-list"),
    path("metrics/readings", metrics.ReadingsView.as_view(), name="metrics-readings"),
    path("metrics/<uuid:metric_id>", metrics.MetricView.as_view(), name="metric"),
]
