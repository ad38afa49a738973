"""What program a `User-Agent` tells of."""

from ua_parser import parse


def device_of(user_agent: str) -> str | None:
    """Such as "Firefox on Linux", for people; None where nothing is recognised."""
    found = parse(user_agent)
    browser = found.user_agent.family if found.user_agent else ""
    system = found.os.family if found.os else ""
    model = found.device.family if found.device else ""
    place = model if model and model not in ("Other", "Mac", system) else system
    if browser and place and browser != place:
        return f"{browser} on {place}"
    return browser or place or None
