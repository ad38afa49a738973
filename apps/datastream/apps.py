from django.apps import AppConfig


class DataStreamConfig(AppConfig):
    name = "apps.datastream"
    verbose_name = "Data stream"
