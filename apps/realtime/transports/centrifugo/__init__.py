"""`/connection/websocket`: the Centrifugo client protocol, in JSON and in Protobuf."""
