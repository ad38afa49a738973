"""Shapes on the wire."""

from rest_framework import serializers


class SubjectOutput(serializers.Serializer):
    type = serializers.CharField()
    id = serializers.CharField()


class ActorOutput(serializers.Serializer):
    type = serializers.ChoiceField(choices=["user", "system", "program"])
    id = serializers.CharField()


class EnvelopeOutput(serializers.Serializer):
    """A fact as it is on every transport; `room` is the one by which it is shown here."""

    id = serializers.UUIDField()
    type = serializers.CharField()
    version = serializers.IntegerField(min_value=1)
    time = serializers.DateTimeField()
    subject = SubjectOutput()
    actor = ActorOutput(allow_null=True)
    data = serializers.DictField()  # type: ignore[assignment] # the metaclass takes it away
    position = serializers.IntegerField(min_value=1)
    epoch = serializers.CharField()
    room = serializers.CharField()


class EventsOutput(serializers.Serializer):
    results = EnvelopeOutput(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    cursor = serializers.UUIDField(allow_null=True, help_text="Null while the log is empty.")


class CertificateHashOutput(serializers.Serializer):
    algorithm = serializers.ChoiceField(choices=["sha-256"])
    value = serializers.CharField(help_text="In base64, of the certificate in DER.")


class WebTransportOutput(serializers.Serializer):
    url = serializers.CharField(help_text="For `new WebTransport(url)`.")
    certificate_hashes = CertificateHashOutput(
        many=True,
        help_text="For `serverCertificateHashes`; empty for a certificate that browsers trust.",
    )
