# https://snakemake.readthedocs.io: rules hand on files
import os

PROGRAMS = os.environ["PEERS_PROGRAMS"]

rule total:
    input: "two.npy"
    output: touch("right")
    shell: "python {PROGRAMS}/total.py {input}"

rule add:
    input: "one.npy"
    output: "two.npy"
    shell: "python {PROGRAMS}/add.py {input} {output}"

rule make:
    output: "one.npy"
    shell: "python {PROGRAMS}/make.py {output}"
