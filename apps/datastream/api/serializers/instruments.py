"""The shape of prices."""

from rest_framework import serializers


class PriceOutput(serializers.Serializer):
    """The last price of an instrument."""

    instrument = serializers.CharField(max_length=64)
    price = serializers.FloatField(help_text="A finite number above 0.")
    ts = serializers.FloatField(
        help_text="When it was so, in seconds or milliseconds, as the data producer sent it."
    )
