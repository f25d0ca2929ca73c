"""The platform server: Clara Deploy's gRPC API over the same functions that the command line calls."""
