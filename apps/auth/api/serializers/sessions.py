"""Sessions as their owner sees them."""

from rest_framework import serializers

from apps.auth.models import Session
from apps.auth.selectors.devices import device_of
from veza.integrations.places import place_of


class SessionOutput(serializers.ModelSerializer):
    """Where someone is signed in; `current` is the one that asks."""

    device = serializers.SerializerMethodField(
        help_text="The program, such as `Firefox on Linux`, as far as it says what it is."
    )
    place = serializers.SerializerMethodField(
        help_text="Where its address is, as far as that is known."
    )
    current = serializers.SerializerMethodField()

    class Meta:
        model = Session
        fields = [
            "id",
            "ip",
            "user_agent",
            "device",
            "place",
            "created_at",
            "last_used_at",
            "current",
        ]
        read_only_fields = fields

    def get_device(self, session: Session) -> str | None:
        return device_of(session.user_agent)

    def get_place(self, session: Session) -> str | None:
        return place_of(session.ip)

    def get_current(self, session: Session) -> bool:
        return bool(session.id == self.context["session_id"])
