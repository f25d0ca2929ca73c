from clara_cli.server.wire import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Pair(_message.Message):
    __slots__ = ("key", "value")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    key: str
    value: str
    def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class Pipeline(_message.Message):
    __slots__ = ("id", "name", "created", "definition", "parameters", "templated")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    DEFINITION_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    TEMPLATED_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    created: float
    definition: str
    parameters: _containers.RepeatedCompositeFieldContainer[Pair]
    templated: bool
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., created: _Optional[float] = ..., definition: _Optional[str] = ..., parameters: _Optional[_Iterable[_Union[Pair, _Mapping]]] = ..., templated: bool = ...) -> None: ...

class Job(_message.Message):
    __slots__ = ("id", "payload_id", "pipeline_id", "name", "state", "status", "priority", "created", "submitted", "started", "stopped", "variables")
    ID_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_ID_FIELD_NUMBER: _ClassVar[int]
    PIPELINE_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    SUBMITTED_FIELD_NUMBER: _ClassVar[int]
    STARTED_FIELD_NUMBER: _ClassVar[int]
    STOPPED_FIELD_NUMBER: _ClassVar[int]
    VARIABLES_FIELD_NUMBER: _ClassVar[int]
    id: str
    payload_id: str
    pipeline_id: str
    name: str
    state: str
    status: str
    priority: str
    created: float
    submitted: float
    started: float
    stopped: float
    variables: _containers.RepeatedCompositeFieldContainer[Pair]
    def __init__(self, id: _Optional[str] = ..., payload_id: _Optional[str] = ..., pipeline_id: _Optional[str] = ..., name: _Optional[str] = ..., state: _Optional[str] = ..., status: _Optional[str] = ..., priority: _Optional[str] = ..., created: _Optional[float] = ..., submitted: _Optional[float] = ..., started: _Optional[float] = ..., stopped: _Optional[float] = ..., variables: _Optional[_Iterable[_Union[Pair, _Mapping]]] = ...) -> None: ...

class Operator(_message.Message):
    __slots__ = ("name", "image", "status", "started", "stopped", "exit_code", "mounted", "cpu_seconds", "peak_memory")
    NAME_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    STARTED_FIELD_NUMBER: _ClassVar[int]
    STOPPED_FIELD_NUMBER: _ClassVar[int]
    EXIT_CODE_FIELD_NUMBER: _ClassVar[int]
    MOUNTED_FIELD_NUMBER: _ClassVar[int]
    CPU_SECONDS_FIELD_NUMBER: _ClassVar[int]
    PEAK_MEMORY_FIELD_NUMBER: _ClassVar[int]
    name: str
    image: str
    status: str
    started: float
    stopped: float
    exit_code: int
    mounted: bool
    cpu_seconds: float
    peak_memory: int
    def __init__(self, name: _Optional[str] = ..., image: _Optional[str] = ..., status: _Optional[str] = ..., started: _Optional[float] = ..., stopped: _Optional[float] = ..., exit_code: _Optional[int] = ..., mounted: bool = ..., cpu_seconds: _Optional[float] = ..., peak_memory: _Optional[int] = ...) -> None: ...

class Placed(_message.Message):
    __slots__ = ("job_id", "remote", "taken", "seen", "node", "submitted")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    REMOTE_FIELD_NUMBER: _ClassVar[int]
    TAKEN_FIELD_NUMBER: _ClassVar[int]
    SEEN_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    SUBMITTED_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    remote: str
    taken: int
    seen: str
    node: str
    submitted: float
    def __init__(self, job_id: _Optional[str] = ..., remote: _Optional[str] = ..., taken: _Optional[int] = ..., seen: _Optional[str] = ..., node: _Optional[str] = ..., submitted: _Optional[float] = ...) -> None: ...

class JobMessage(_message.Message):
    __slots__ = ("created", "severity", "text")
    CREATED_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    created: float
    severity: str
    text: str
    def __init__(self, created: _Optional[float] = ..., severity: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class Process(_message.Message):
    __slots__ = ("operator", "command", "folder", "environment", "mounts", "without")
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    FOLDER_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    MOUNTS_FIELD_NUMBER: _ClassVar[int]
    WITHOUT_FIELD_NUMBER: _ClassVar[int]
    operator: str
    command: _containers.RepeatedScalarFieldContainer[bytes]
    folder: bytes
    environment: _containers.RepeatedCompositeFieldContainer[EnvironmentVariable]
    mounts: Mounts
    without: str
    def __init__(self, operator: _Optional[str] = ..., command: _Optional[_Iterable[bytes]] = ..., folder: _Optional[bytes] = ..., environment: _Optional[_Iterable[_Union[EnvironmentVariable, _Mapping]]] = ..., mounts: _Optional[_Union[Mounts, _Mapping]] = ..., without: _Optional[str] = ...) -> None: ...

class EnvironmentVariable(_message.Message):
    __slots__ = ("name", "value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    name: bytes
    value: bytes
    def __init__(self, name: _Optional[bytes] = ..., value: _Optional[bytes] = ...) -> None: ...

class Mounts(_message.Message):
    __slots__ = ("mounts",)
    MOUNTS_FIELD_NUMBER: _ClassVar[int]
    mounts: _containers.RepeatedCompositeFieldContainer[Mount]
    def __init__(self, mounts: _Optional[_Iterable[_Union[Mount, _Mapping]]] = ...) -> None: ...

class Mount(_message.Message):
    __slots__ = ("path", "source", "writable")
    PATH_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    WRITABLE_FIELD_NUMBER: _ClassVar[int]
    path: bytes
    source: bytes
    writable: bool
    def __init__(self, path: _Optional[bytes] = ..., source: _Optional[bytes] = ..., writable: bool = ...) -> None: ...

class Payload(_message.Message):
    __slots__ = ("id", "kind", "created", "job_id", "metadata")
    ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    id: str
    kind: str
    created: float
    job_id: str
    metadata: _containers.RepeatedCompositeFieldContainer[Pair]
    def __init__(self, id: _Optional[str] = ..., kind: _Optional[str] = ..., created: _Optional[float] = ..., job_id: _Optional[str] = ..., metadata: _Optional[_Iterable[_Union[Pair, _Mapping]]] = ...) -> None: ...

class Entry(_message.Message):
    __slots__ = ("name", "size", "mode", "fault")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    FAULT_FIELD_NUMBER: _ClassVar[int]
    name: bytes
    size: int
    mode: int
    fault: str
    def __init__(self, name: _Optional[bytes] = ..., size: _Optional[int] = ..., mode: _Optional[int] = ..., fault: _Optional[str] = ...) -> None: ...

class Model(_message.Message):
    __slots__ = ("id", "name", "type", "versions", "created")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    type: str
    versions: _containers.RepeatedScalarFieldContainer[int]
    created: float
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., type: _Optional[str] = ..., versions: _Optional[_Iterable[int]] = ..., created: _Optional[float] = ...) -> None: ...

class Image(_message.Message):
    __slots__ = ("name", "tag", "folder", "interpreter", "uses_driver")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TAG_FIELD_NUMBER: _ClassVar[int]
    FOLDER_FIELD_NUMBER: _ClassVar[int]
    INTERPRETER_FIELD_NUMBER: _ClassVar[int]
    USES_DRIVER_FIELD_NUMBER: _ClassVar[int]
    name: str
    tag: str
    folder: bytes
    interpreter: bytes
    uses_driver: bool
    def __init__(self, name: _Optional[str] = ..., tag: _Optional[str] = ..., folder: _Optional[bytes] = ..., interpreter: _Optional[bytes] = ..., uses_driver: bool = ...) -> None: ...

class Ended(_message.Message):
    __slots__ = ("job_id", "payload_id", "name", "status", "stopped", "size")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    STOPPED_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    payload_id: str
    name: str
    status: str
    stopped: float
    size: int
    def __init__(self, job_id: _Optional[str] = ..., payload_id: _Optional[str] = ..., name: _Optional[str] = ..., status: _Optional[str] = ..., stopped: _Optional[float] = ..., size: _Optional[int] = ...) -> None: ...

class ListRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class TextRequest(_message.Message):
    __slots__ = ("text",)
    TEXT_FIELD_NUMBER: _ClassVar[int]
    text: str
    def __init__(self, text: _Optional[str] = ...) -> None: ...

class TextsRequest(_message.Message):
    __slots__ = ("texts",)
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    texts: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, texts: _Optional[_Iterable[str]] = ...) -> None: ...

class IdsResponse(_message.Message):
    __slots__ = ("header", "ids")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    IDS_FIELD_NUMBER: _ClassVar[int]
    header: _common_pb2.ResponseHeader
    ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, header: _Optional[_Union[_common_pb2.ResponseHeader, _Mapping]] = ..., ids: _Optional[_Iterable[str]] = ...) -> None: ...

class PipelinesResponse(_message.Message):
    __slots__ = ("header", "pipelines")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    PIPELINES_FIELD_NUMBER: _ClassVar[int]
    header: _common_pb2.ResponseHeader
    pipelines: _containers.RepeatedCompositeFieldContainer[Pipeline]
    def __init__(self, header: _Optional[_Union[_common_pb2.ResponseHeader, _Mapping]] = ..., pipelines: _Optional[_Iterable[_Union[Pipeline, _Mapping]]] = ...) -> None: ...

class StorePipelineRequest(_message.Message):
    __slots__ = ("path", "content", "once")
    PATH_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    ONCE_FIELD_NUMBER: _ClassVar[int]
    path: bytes
    content: bytes
    once: bool
    def __init__(self, path: _Optional[bytes] = ..., content: _Optional[bytes] = ..., once: bool = ...) -> None: ...

class JobsResponse(_message.Message):
    __slots__ = ("header", "jobs")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    header: _common_pb2.ResponseHeader
    jobs: _containers.RepeatedCompositeFieldContainer[Job]
    def __init__(self, header: _Optional[_Union[_common_pb2.ResponseHeader, _Mapping]] = ..., jobs: _Optional[_Iterable[_Union[Job, _Mapping]]] = ...) -> None: ...

class DescribeJobRequest(_message.Message):
    __slots__ = ("text", "processes")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    PROCESSES_FIELD_NUMBER: _ClassVar[int]
    text: str
    processes: bool
    def __init__(self, text: _Optional[str] = ..., processes: bool = ...) -> None: ...

class DescribeJobResponse(_message.Message):
    __slots__ = ("header", "job", "operators", "messages", "metadata", "payload_folder", "payload_exists", "processes", "placed")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    OPERATORS_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FOLDER_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_EXISTS_FIELD_NUMBER: _ClassVar[int]
    PROCESSES_FIELD_NUMBER: _ClassVar[int]
    PLACED_FIELD_NUMBER: _ClassVar[int]
    header: _common_pb2.ResponseHeader
    job: Job
    operators: _containers.RepeatedCompositeFieldContainer[Operator]
    messages: _containers.RepeatedCompositeFieldContainer[JobMessage]
    metadata: _containers.RepeatedCompositeFieldContainer[Pair]
    payload_folder: bytes
    payload_exists: bool
    processes: _containers.RepeatedCompositeFieldContainer[Process]
    placed: Placed
    def __init__(self, header: _Optional[_Union[_common_pb2.ResponseHeader, _Mapping]] = ..., job: _Optional[_Union[Job, _Mapping]] = ..., operators: _Optional[_Iterable[_Union[Operator, _Mapping]]] = ..., messages: _Optional[_Iterable[_Union[JobMessage, _Mapping]]] = ..., metadata: _Optional[_Iterable[_Union[Pair, _Mapping]]] = ..., payload_folder: _Optional[bytes] = ..., payload_exists: bool = ..., processes: _Optional[_Iterable[_Union[Process, _Mapping]]] = ..., placed: _Optional[_Union[Placed, _Mapping]] = ...) -> None: ...

class RunAgainRequest(_message.Message):
    __slots__ = ("text", "start", "values")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    text: str
    start: str
    values: _containers.RepeatedCompositeFieldContainer[Pair]
    def __init__(self, text: _Optional[str] = ..., start: _Optional[str] = ..., values: _Optional[_Iterable[_Union[Pair, _Mapping]]] = ...) -> None: ...

class RunAgainResponse(_message.Message):
    __slots__ = ("header", "job_id", "payload_id", "reused", "running", "shared", "notices")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_ID_FIELD_NUMBER: _ClassVar[int]
    REUSED_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    SHARED_FIELD_NUMBER: _ClassVar[int]
    NOTICES_FIELD_NUMBER: _ClassVar[int]
    header: _common_pb2.ResponseHeader
    job_id: str
    payload_id: str
    reused: _containers.RepeatedScalarFieldContainer[str]
    running: _containers.RepeatedScalarFieldContainer[str]
    shared: str
    notices: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, header: _Optional[_Union[_common_pb2.ResponseHeader, _Mapping]] = ..., job_id: _Optional[str] = ..., payload_id: _Optional[str] = ..., reused: _Optional[_Iterable[str]] = ..., running: _Optional[_Iterable[str]] = ..., shared: _Optional[str] = ..., notices: _Optional[_Iterable[str]] = ...) -> None: ...

class StartJobRequest(_message.Message):
    __slots__ = ("text", "values", "reuse", "fast_io")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    REUSE_FIELD_NUMBER: _ClassVar[int]
    FAST_IO_FIELD_NUMBER: _ClassVar[int]
    text: str
    values: _containers.RepeatedCompositeFieldContainer[Pair]
    reuse: bool
    fast_io: bool
    def __init__(self, text: _Optional[str] = ..., values: _Optional[_Iterable[_Union[Pair, _Mapping]]] = ..., reuse: bool = ..., fast_io: bool = ...) -> None: ...

class StartJobResponse(_message.Message):
    __slots__ = ("header", "job_id", "job_name", "operators", "programs", "reused")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    JOB_NAME_FIELD_NUMBER: _ClassVar[int]
    OPERATORS_FIELD_NUMBER: _ClassVar[int]
    PROGRAMS_FIELD_NUMBER: _ClassVar[int]
    REUSED_FIELD_NUMBER: _ClassVar[int]
    header: _common_pb2.ResponseHeader
    job_id: str
    job_name: str
    operators: _containers.RepeatedScalarFieldContainer[str]
    programs: _containers.RepeatedCompositeFieldContainer[Pair]
    reused: _containers.RepeatedCompositeFieldContainer[Pair]
    def __init__(self, header: _Optional[_Union[_common_pb2.ResponseHeader, _Mapping]] = ..., job_id: _Optional[str] = ..., job_name: _Optional[str] = ..., operators: _Optional[_Iterable[str]] = ..., programs: _Optional[_Iterable[_Union[Pair, _Mapping]]] = ..., reused: _Optional[_Iterable[_Union[Pair, _Mapping]]] = ...) -> None: ...

class FollowJobRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class FollowJobResponse(_message.Message):
    __slots__ = ("header", "queued", "began", "operator_began", "operator_ended", "message", "ended")
    class Queued(_message.Message):
        __slots__ = ("place", "waiting")
        PLACE_FIELD_NUMBER: _ClassVar[int]
        WAITING_FIELD_NUMBER: _ClassVar[int]
        place: int
        waiting: int
        def __init__(self, place: _Optional[int] = ..., waiting: _Optional[int] = ...) -> None: ...
    class OperatorEnded(_message.Message):
        __slots__ = ("name", "completed", "exit_code")
        NAME_FIELD_NUMBER: _ClassVar[int]
        COMPLETED_FIELD_NUMBER: _ClassVar[int]
        EXIT_CODE_FIELD_NUMBER: _ClassVar[int]
        name: str
        completed: bool
        exit_code: int
        def __init__(self, name: _Optional[str] = ..., completed: bool = ..., exit_code: _Optional[int] = ...) -> None: ...
    class Failure(_message.Message):
        __slots__ = ("kind", "name", "reason", "exit_code", "log", "said")
        KIND_FIELD_NUMBER: _ClassVar[int]
        NAME_FIELD_NUMBER: _ClassVar[int]
        REASON_FIELD_NUMBER: _ClassVar[int]
        EXIT_CODE_FIELD_NUMBER: _ClassVar[int]
        LOG_FIELD_NUMBER: _ClassVar[int]
        SAID_FIELD_NUMBER: _ClassVar[int]
        kind: str
        name: str
        reason: str
        exit_code: int
        log: bytes
        said: _containers.RepeatedScalarFieldContainer[str]
        def __init__(self, kind: _Optional[str] = ..., name: _Optional[str] = ..., reason: _Optional[str] = ..., exit_code: _Optional[int] = ..., log: _Optional[bytes] = ..., said: _Optional[_Iterable[str]] = ...) -> None: ...
    class Ending(_message.Message):
        __slots__ = ("status", "stopped", "terminated", "failures", "error")
        STATUS_FIELD_NUMBER: _ClassVar[int]
        STOPPED_FIELD_NUMBER: _ClassVar[int]
        TERMINATED_FIELD_NUMBER: _ClassVar[int]
        FAILURES_FIELD_NUMBER: _ClassVar[int]
        ERROR_FIELD_NUMBER: _ClassVar[int]
        status: str
        stopped: str
        terminated: str
        failures: _containers.RepeatedCompositeFieldContainer[FollowJobResponse.Failure]
        error: str
        def __init__(self, status: _Optional[str] = ..., stopped: _Optional[str] = ..., terminated: _Optional[str] = ..., failures: _Optional[_Iterable[_Union[FollowJobResponse.Failure, _Mapping]]] = ..., error: _Optional[str] = ...) -> None: ...
    HEADER_FIELD_NUMBER: _ClassVar[int]
    QUEUED_FIELD_NUMBER: _ClassVar[int]
    BEGAN_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_BEGAN_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_ENDED_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ENDED_FIELD_NUMBER: _ClassVar[int]
    header: _common_pb2.ResponseHeader
    queued: FollowJobResponse.Queued
    began: bool
    operator_began: str
    operator_ended: FollowJobResponse.OperatorEnded
    message: JobMessage
    ended: FollowJobResponse.Ending
    def __init__(self, header: _Optional[_Union[_common_pb2.ResponseHeader, _Mapping]] = ..., queued: _Optional[_Union[FollowJobResponse.Queued, _Mapping]] = ..., began: bool = ..., operator_began: _Optional[str] = ..., operator_ended: _Optional[_Union[FollowJobResponse.OperatorEnded, _Mapping]] = ..., message: _Optional[_Union[JobMessage, _Mapping]] = ..., ended: _Optional[_Union[FollowJobResponse.Ending, _Mapping]] = ...) -> None: ...

class WaitForJobRequest(_message.Message):
    __slots__ = ("job_id", "seconds")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    seconds: float
    def __init__(self, job_id: _Optional[str] = ..., seconds: _Optional[float] = ...) -> None: ...

class AskToCancelRequest(_message.Message):
    __slots__ = ("text", "reason")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    text: str
    reason: str
    def __init__(self, text: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class DeleteJobsRequest(_message.Message):
    __slots__ = ("job_ids", "keep_payload")
    JOB_IDS_FIELD_NUMBER: _ClassVar[int]
    KEEP_PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    job_ids: _containers.RepeatedScalarFieldContainer[str]
    keep_payload: bool
    def __init__(self, job_ids: _Optional[_Iterable[str]] = ..., keep_payload: bool = ...) -> None: ...

class DeleteJobsResponse(_message.Message):
    __slots__ = ("header", "folders")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    FOLDERS_FIELD_NUMBER: _ClassVar[int]
    header: _common_pb2.ResponseHeader
    folders: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, header: _Optional[_Union[_common_pb2.ResponseHeader, _Mapping]] = ..., folders: _Optional[_Iterable[bytes]] = ...) -> None: ...

class ReadLogsRequest(_message.Message):
    __slots__ = ("job", "operators", "since", "tail", "follow", "terminal")
    JOB_FIELD_NUMBER: _ClassVar[int]
    OPERATORS_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    TAIL_FIELD_NUMBER: _ClassVar[int]
    FOLLOW_FIELD_NUMBER: _ClassVar[int]
    TERMINAL_FIELD_NUMBER: _ClassVar[int]
    job: str
    operators: _containers.RepeatedScalarFieldContainer[str]
    since: float
    tail: int
    follow: bool
    terminal: bool
    def __init__(self, job: _Optional[str] = ..., operators: _Optional[_Iterable[str]] = ..., since: _Optional[float] = ..., tail: _Optional[int] = ..., follow: bool = ..., terminal: bool = ...) -> None: ...

class ReadLogsResponse(_message.Message):
    __slots__ = ("header", "head", "lines", "chunk")
    class Head(_message.Message):
        __slots__ = ("job_id", "pending", "names", "notices", "missing")
        JOB_ID_FIELD_NUMBER: _ClassVar[int]
        PENDING_FIELD_NUMBER: _ClassVar[int]
        NAMES_FIELD_NUMBER: _ClassVar[int]
        NOTICES_FIELD_NUMBER: _ClassVar[int]
        MISSING_FIELD_NUMBER: _ClassVar[int]
        job_id: str
        pending: bool
        names: _containers.RepeatedScalarFieldContainer[str]
        notices: _containers.RepeatedScalarFieldContainer[str]
        missing: _containers.RepeatedScalarFieldContainer[str]
        def __init__(self, job_id: _Optional[str] = ..., pending: bool = ..., names: _Optional[_Iterable[str]] = ..., notices: _Optional[_Iterable[str]] = ..., missing: _Optional[_Iterable[str]] = ...) -> None: ...
    class Line(_message.Message):
        __slots__ = ("when", "order", "name", "text")
        WHEN_FIELD_NUMBER: _ClassVar[int]
        ORDER_FIELD_NUMBER: _ClassVar[int]
        NAME_FIELD_NUMBER: _ClassVar[int]
        TEXT_FIELD_NUMBER: _ClassVar[int]
        when: float
        order: int
        name: str
        text: bytes
        def __init__(self, when: _Optional[float] = ..., order: _Optional[int] = ..., name: _Optional[str] = ..., text: _Optional[bytes] = ...) -> None: ...
    HEADER_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    header: _common_pb2.ResponseHeader
    head: ReadLogsResponse.Head
    lines: _containers.RepeatedCompositeFieldContainer[ReadLogsResponse.Line]
    chunk: bytes
    def __init__(self, header: _Optional[_Union[_common_pb2.ResponseHeader, _Mapping]] = ..., head: _Optional[_Union[ReadLogsResponse.Head, _Mapping]] = ..., lines: _Optional[_Iterable[_Union[ReadLogsResponse.Line, _Mapping]]] = ..., chunk: _Optional[bytes] = ...) -> None: ...

class FindCleanableRequest(_message.Message):
    __slots__ = ("limited", "older_than", "failed_older_than", "max_size")
    LIMITED_FIELD_NUMBER: _ClassVar[int]
    OLDER_THAN_FIELD_NUMBER: _ClassVar[int]
    FAILED_OLDER_THAN_FIELD_NUMBER: _ClassVar[int]
    MAX_SIZE_FIELD_NUMBER: _ClassVar[int]
    limited: bool
    older_than: float
    failed_older_than: float
    max_size: int
    def __init__(self, limited: bool = ..., older_than: _Optional[float] = ..., failed_older_than: _Optional[float] = ..., max_size: _Optional[int] = ...) -> None: ...

class CleanRequest(_message.Message):
    __slots__ = ("chosen",)
    CHOSEN_FIELD_NUMBER: _ClassVar[int]
    chosen: _containers.RepeatedCompositeFieldContainer[Ended]
    def __init__(self, chosen: _Optional[_Iterable[_Union[Ended, _Mapping]]] = ...) -> None: ...

class EndedResponse(_message.Message):
    __slots__ = ("header", "ended")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    ENDED_FIELD_NUMBER: _ClassVar[int]
    header: _common_pb2.ResponseHeader
    ended: _containers.RepeatedCompositeFieldContainer[Ended]
    def __init__(self, header: _Optional[_Union[_common_pb2.ResponseHeader, _Mapping]] = ..., ended: _Optional[_Iterable[_Union[Ended, _Mapping]]] = ...) -> None: ...

class PayloadsResponse(_message.Message):
    __slots__ = ("header", "payloads")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    PAYLOADS_FIELD_NUMBER: _ClassVar[int]
    header: _common_pb2.ResponseHeader
    payloads: _containers.RepeatedCompositeFieldContainer[Payload]
    def __init__(self, header: _Optional[_Union[_common_pb2.ResponseHeader, _Mapping]] = ..., payloads: _Optional[_Iterable[_Union[Payload, _Mapping]]] = ...) -> None: ...

class DescribePayloadResponse(_message.Message):
    __slots__ = ("header", "entries", "folder")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    FOLDER_FIELD_NUMBER: _ClassVar[int]
    header: _common_pb2.ResponseHeader
    entries: _containers.RepeatedCompositeFieldContainer[Entry]
    folder: bytes
    def __init__(self, header: _Optional[_Union[_common_pb2.ResponseHeader, _Mapping]] = ..., entries: _Optional[_Iterable[_Union[Entry, _Mapping]]] = ..., folder: _Optional[bytes] = ...) -> None: ...

class ModelsResponse(_message.Message):
    __slots__ = ("header", "models")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    header: _common_pb2.ResponseHeader
    models: _containers.RepeatedCompositeFieldContainer[Model]
    def __init__(self, header: _Optional[_Union[_common_pb2.ResponseHeader, _Mapping]] = ..., models: _Optional[_Iterable[_Union[Model, _Mapping]]] = ...) -> None: ...

class ImagesResponse(_message.Message):
    __slots__ = ("header", "images")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    IMAGES_FIELD_NUMBER: _ClassVar[int]
    header: _common_pb2.ResponseHeader
    images: _containers.RepeatedCompositeFieldContainer[Image]
    def __init__(self, header: _Optional[_Union[_common_pb2.ResponseHeader, _Mapping]] = ..., images: _Optional[_Iterable[_Union[Image, _Mapping]]] = ...) -> None: ...

class DescribeImageResponse(_message.Message):
    __slots__ = ("header", "image", "python", "workdir", "command")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    PYTHON_FIELD_NUMBER: _ClassVar[int]
    WORKDIR_FIELD_NUMBER: _ClassVar[int]
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    header: _common_pb2.ResponseHeader
    image: Image
    python: bytes
    workdir: bytes
    command: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, header: _Optional[_Union[_common_pb2.ResponseHeader, _Mapping]] = ..., image: _Optional[_Union[Image, _Mapping]] = ..., python: _Optional[bytes] = ..., workdir: _Optional[bytes] = ..., command: _Optional[_Iterable[bytes]] = ...) -> None: ...
