# https://snakemake.readthedocs.io: rules with shell commands
rule three:
    input: "two"
    output: touch("three")
    shell: "true"

rule two:
    input: "one"
    output: touch("two")
    shell: "true"

rule one:
    output: touch("one")
    shell: "true"
