"""Examples on the help pages: command → what one may type. Each is read by the command's own parser in a test."""

from __future__ import annotations

from clara_cli.commands.services import SERVICES

EXAMPLES: dict[str, str] = {
    "create pipeline": """\
clara create pipelines -p fastio-passthrough-dynamic-pipeline.yaml
clara create pipelines -p definitions/spleen.zip""",
    "create job": """\
clara create job -n my-job -p PIPELINE_ID -f scan.nii.gz
clara create job -n my-job -p PIPELINE_ID -f dicom/ -i high --start
JOB=$(clara create job -q -n my-job -p PIPELINE_ID)""",
    "create image": """\
clara create image -n group/my-operator:1.0 -p operators/my-operator
clara create image -n group/my-operator:1.0 -p operators/my-operator --python /opt/own/bin/python""",
    "create payload": """\
clara create payload -f atlas/ --metadata site=A --metadata kind=atlas""",
    "create model": """\
clara create model -p models/spleen -t tensorflow""",
    "run": """\
clara run pipeline.yaml -f scan.nii.gz -o results
clara run pipeline.zip -f dicom/ -o results --only segmentation --set THRESHOLD=0.5""",
    "start job": """\
clara start job -j JOB_ID
clara start jobs --detach JOB_ID JOB_ID
clara start job -j JOB_ID --set THRESHOLD=0.5
clara start job -j FAILED_JOB_ID --resume""",
    "cancel": """\
clara cancel job -j JOB_ID --reason 'wrong scan'
clara cancel jobs JOB_ID JOB_ID""",
    "wait": """\
clara wait job -j JOB_ID
clara wait jobs JOB_ID JOB_ID --timeout 600""",
    "validate pipeline": """\
clara validate pipelines -p pipeline.yaml
clara validate pipelines -p pipeline.yaml --output json""",
    "list pipeline": """\
clara list pipelines
PIPELINE_ID=$(clara list pipelines | grep my-pipeline | awk '{print $2}')""",
    "list job": """\
clara list jobs
clara list jobs --output json
clara list jobs -q""",
    "list image": """\
clara list images""",
    "list payload": """\
clara list payloads
clara list payloads --output yaml""",
    "list model": """\
clara list models -q""",
    "describe pipeline": """\
clara describe pipeline -p PIPELINE_ID""",
    "describe job": """\
clara describe job -j JOB_ID
clara describe job JOB_ID --output json""",
    "describe image": """\
clara describe image -n group/my-operator:1.0""",
    "describe payload": """\
clara describe payload -p PAYLOAD_ID""",
    "logs": """\
clara logs -j JOB_ID
clara logs -j JOB_ID -o segmentation -f
clara logs -j JOB_ID --since 10m --tail 100""",
    "upload": """\
clara upload -p PAYLOAD_ID scan.nii.gz
clara upload -p JOB_ID --to series-1 dicom/*.dcm""",
    "download": """\
clara download JOB_ID:/operators/my-operator/* results
clara download JOB_ID:/operators/my-operator/*.csv results/
clara download PAYLOAD_ID:/input/scan.nii.gz scan.nii.gz""",
    "delete job": """\
clara delete jobs JOB_ID JOB_ID
clara delete job -j JOB_ID --keep-payload -y""",
    "delete pipeline": """\
clara delete pipelines PIPELINE_ID""",
    "delete image": """\
clara delete images group/my-operator:1.0""",
    "delete payload": """\
clara delete payloads PAYLOAD_ID -y""",
    "delete model": """\
clara delete models MODEL_ID MODEL_ID""",
    "clean": """\
clara clean --older-than 30d --dry-run
clara clean --max-size 500G -y""",
    "config": """\
clara config list
clara config set timeout 3600
clara config -y --key NGC_API_KEY --orgteam org/team""",
    "config list": """\
clara config list
clara config list --output json""",
    "config get": """\
clara config get root
clara config get services.MY_SERVER""",
    "config set": """\
clara config set root /data/clara
clara config set operator_path ~/operators /opt/operators
clara config set services.MY_SERVER localhost:8000""",
    "config unset": """\
clara config unset timeout""",
    "config edit": """\
clara config edit""",
    "doctor": """\
clara doctor
clara doctor -q --output json""",
    "pull": """\
clara pull -y platform
clara pull pipeline clara_ai_livertumor_pipeline""",
    "dicom create": """\
clara dicom create aetitle -a COVIDAET pipeline-covid=PIPELINE_ID
clara dicom create -a MYPACS -i 10.20.30.1""",
    "dicom create aetitle": """\
clara dicom create aetitle -a COVIDAET pipeline-covid=PIPELINE_ID""",
    "dicom create src": """\
clara dicom create src -a MYPACS -i 10.20.30.1""",
    "dicom create dest": """\
clara dicom create dest -n MYPACS -a MYPACSAET -i 10.20.30.2 -p 1104""",
    "platform start": """\
clara platform start
clara platform start --console
clara platform start --port 30031 --port 50051
clara platform start --address 0.0.0.0 --tls-cert server.pem --tls-key server.key --client-ca ca.pem""",
    "console start": """\
clara console start --open
clara console start --address 0.0.0.0 --token-file ~/.clara/console-token""",
    "console stop": """\
clara console stop -y""",
    "console restart": """\
clara console restart
clara console restart --port 32003""",
    "console status": """\
clara console status || clara console start""",
    "console version": """\
clara console version""",
    "platform stop": """\
clara platform stop -y""",
    "platform restart": """\
clara platform restart
clara platform restart --port 50051""",
    "platform status": """\
clara platform status || clara platform start""",
    "platform version": """\
clara platform version""",
    "completion bash": """\
source <(clara completion bash)""",
    "completion zsh": """\
source <(clara completion zsh)""",
    "completion fish": """\
clara completion fish > ~/.config/fish/completions/clara.fish""",
    "version": """\
clara version""",
    "help": """\
clara help create job""",
    **{
        f"{service} {verb}": f"clara {service} {verb}{' -y' if verb in ('restart', 'stop') else ''}"
        for service in SERVICES
        for verb in ("start", "restart", "stop", "version")
    },
}
