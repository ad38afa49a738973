"""One address, two apps: realtime lists facts, counting takes what players tell."""

from apps.analytics.api.views import EventsView as TakenEvents
from apps.realtime.api.views import EventsView as ListedEvents


class EventsView(ListedEvents, TakenEvents):
    """GET lists facts, POST tells what was heard. Both are open to everyone."""

    permission_classes = ()  # type: ignore[assignment] # the two write it differently
