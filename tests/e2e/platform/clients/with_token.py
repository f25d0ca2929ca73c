"""NVIDIA's client with a token, which it does not know of: it gets a stub of a channel that adds one to each call.

Words: address of the server, token.
"""

import collections
import sys
from pathlib import Path

import grpc
from nvidia_clara.grpc import jobs_pb2_grpc, payloads_pb2_grpc
from nvidia_clara.jobs_client import JobsClient
from nvidia_clara.payloads_client import PayloadsClient

address, token = sys.argv[1:]
Details = collections.namedtuple("Details", ("method", "timeout", "metadata", "credentials"))


def say(what):
    sys.stdout.write(f"{what}\n")


class WithToken(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor, grpc.StreamUnaryClientInterceptor):
    def intercept_unary_unary(self, continuation, details, request):
        metadata = [*(details.metadata or ()), ("authorization", "Bearer " + token)]
        return continuation(Details(details.method, details.timeout, metadata, details.credentials), request)

    intercept_unary_stream = intercept_stream_unary = intercept_unary_unary


try:
    JobsClient(address).list_jobs()
except grpc.RpcError as error:
    assert error.code() is grpc.StatusCode.UNAUTHENTICATED, error
    say("refused without it")

channel = grpc.intercept_channel(grpc.insecure_channel(address), WithToken())
jobs = JobsClient(address, stub=jobs_pb2_grpc.JobsStub(channel))
say(jobs.list_jobs() or "no jobs")
payloads = PayloadsClient(address, stub=payloads_pb2_grpc.PayloadsStub(channel))
payload = payloads.create_payload()
with Path(__file__).open("rb") as file:
    payloads.upload(payload_id=payload.payload_id, blob_name="this", file_object=file)
say(payload.payload_type)
