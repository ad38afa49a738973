"""Mail to people, through Django's mail: SMTP, a provider (django-anymail), or files in a folder.

A mail is one template in plain text. Its first line is the subject; an address that stands alone
on a line becomes a button of the HTML part, which is made from the same words.
"""

import re
from collections.abc import Mapping
from email.utils import parseaddr

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

LAYOUT = "veza/mail.html"
_ADDRESS = re.compile(r"https?://\S+")


def send(*, to: str, template: str, context: Mapping[str, object], message_id: str) -> None:
    """Hand a mail to the mail server. Raises OSError and smtplib.SMTPException when it is away.

    `message_id` names the mail: sent twice, it is the same mail to who receives it.
    """
    subject, paragraphs = _parts(render_to_string(template, dict(context)))
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    mail = EmailMultiAlternatives(
        subject=subject,
        body="\n\n".join(paragraphs) + "\n",
        to=[to],
        headers={"Message-ID": f"<{message_id}@{domain}>", "Auto-Submitted": "auto-generated"},
    )
    mail.attach_alternative(_html(subject, paragraphs), "text/html")
    mail.send()


def _parts(text: str) -> tuple[str, list[str]]:
    subject, _, body = text.strip().partition("\n")
    paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", body)]
    return " ".join(subject.split()), [part for part in paragraphs if part]


def _html(subject: str, paragraphs: list[str]) -> str:
    parts = [{"text": part, "is_link": bool(_ADDRESS.fullmatch(part))} for part in paragraphs]
    return render_to_string(LAYOUT, {"subject": subject, "parts": parts})
