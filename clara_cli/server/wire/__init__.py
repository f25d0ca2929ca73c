"""The messages of the wire contract; written by schemas/proto/generate.sh."""
